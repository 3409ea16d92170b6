"""The page itself: Gradio's components around what `Judge` shows, as an application that fetches nothing and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ser_acrnn.page import answers
from ser_acrnn.page.about import about, limits
from ser_acrnn.page.judging import Judge

if TYPE_CHECKING:
    import gradio
    from fastapi import FastAPI

KEPT_SECONDS = 3_600  # an uploaded recording, for another look at it
LOOK_SECONDS = 60  # between two looks for those that are older
TITLE = "ser-acrnn"
STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
# The reader's width is asked for where the reader is.
_WITH_WIDTH = "(recording, spoken, others, width) => [recording, spoken, others, window.innerWidth]"
_NOTHING = "() => null"


def make_page(judge: Judge, folder: Path, most_bytes: int) -> FastAPI:
    """The page as an ASGI application.

    Args:
        judge: Answers; one request at a time.
        folder: For what is uploaded; removed when the application ends.
        most_bytes: Of an uploaded file.
    """
    # Gradio reads these when it is imported and when a page is built.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    import gradio
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    return gradio.mount_gradio_app(
        app,
        _blocks(judge),
        path="/",
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=most_bytes,
        css=STYLE,
        # Fonts of the system: nothing is fetched.
        theme=gradio.themes.Default(primary_hue="blue", font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace")),
    )


def _blocks(judge: Judge) -> gradio.Blocks:
    import gradio

    def answer(recording: str | None, spoken: str | None, others: list[str] | None, width: float) -> str:
        given = recording or spoken
        return judge(Path(given) if given else None, [Path(other) for other in others or []], width)

    with gradio.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(LOOK_SECONDS, KEPT_SECONDS)) as blocks:
        gradio.Markdown(f"# Emotions in a recording of speech\n\n{limits(judge.predictor)}")
        with gradio.Row():
            with gradio.Column(scale=2, min_width=280):
                recording = gradio.File(label="Recording", height=150)
                spoken = gradio.Audio(sources=["microphone"], type="filepath", label="or microphone", editable=False, buttons=[])
                with gradio.Accordion("Adapt to the speaker", open=judge.predictor.preprocessor.scope == "speaker"):
                    gradio.Markdown("Without labels, to recordings of the same speaker in various moods; dozens, if there are.")
                    others = gradio.File(label="Other recordings", file_count="multiple", height=150)
                asked = gradio.Button("Judge the recording", variant="primary")
            with gradio.Column(scale=3, min_width=280):
                said = gradio.HTML("<p>The answer comes here.</p>", elem_id="answer", apply_default_css=False)
        with gradio.Accordion("What the words mean", open=False):
            gradio.Markdown(answers.WORDS)
        with gradio.Accordion(f"The network {judge.predictor.name}", open=False):
            gradio.Markdown(about(judge.predictor))
        width = gradio.Number(visible=False)
        asked.click(answer, [recording, spoken, others, width], said, js=_WITH_WIDTH, api_visibility="private", concurrency_limit=1)
        # What came last is judged.
        recording.upload(None, None, spoken, js=_NOTHING)
        spoken.stop_recording(None, None, recording, js=_NOTHING)
    return blocks
