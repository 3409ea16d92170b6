"""The page in a browser: one server, with a watch on it, and one Chromium for all tests, the one that is installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

RATE_HERTZ = 16_000
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
NEEDED = ("gradio", "playwright")
# A container's root has no sandbox of its own.
OPTIONS = ("--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
WIDE = {"width": 1100, "height": 900}
PATIENCE_MILLISECONDS = 20_000


@dataclass
class Window:
    """A window that shows the page.

    Attributes:
        page: Playwright's.
        address: Of the server.
        requested: What the window has asked for so far.
        recordings: Name -> a file that can be uploaded.
    """

    page: Any
    address: str
    recordings: dict[str, Path]
    requested: list[str] = field(default_factory=list)

    def upload(self, *names: str, label: str = "Recording") -> None:
        """Chooses files where a label stands, and waits until they are there."""
        block = self.page.locator(".block", has=self.page.locator("label", has_text=re.compile(f"^\\s*{label}\\s*$"))).last
        choice, clear = block.locator("input[type=file]"), block.get_by_role("button", name="Clear")
        choice.or_(clear).first.wait_for(state="attached")  # what was just unfolded is not there at once
        if not choice.count():
            clear.click()
        choice.set_input_files([self.recordings[name] for name in names])
        block.locator(".file-preview").wait_for()

    def ask(self) -> str:
        """Presses the button; the text of the answer that comes then."""
        return self.answered(self.page.get_by_role("button", name="Judge the recording").click)

    def answered(self, asks: Callable[[], object]) -> str:
        """The text of the answer that comes after something was done."""
        self.page.evaluate("document.querySelectorAll('#answer p').forEach(one => one.dataset.old = 1)")
        asks()
        self.page.wait_for_function("!document.querySelector('#answer [data-old]') && document.querySelector('#answer p')")
        return self.page.locator("#answer").inner_text()


@pytest.fixture(scope="session")
def spoken(tmp_path_factory, write_corpus) -> dict[str, Path]:
    """Recordings, a long one with silence inside, and a text, by name."""
    folder = tmp_path_factory.mktemp("spoken")
    found = {path.name: path for path in write_corpus(folder, "WTA", ("03",))}
    samples = soundfile.read(found["03a01Aa.wav"])[0]
    found["long.wav"] = folder / "long.wav"
    soundfile.write(found["long.wav"], np.concatenate([np.tile(samples, 13), np.zeros(5 * RATE_HERTZ)]), RATE_HERTZ)
    found["notes.txt"] = folder / "notes.txt"
    found["notes.txt"].write_text("no audio at all", encoding="utf-8")
    return found


@pytest.fixture(scope="session")
def program() -> str:
    """Chromium, where it is installed with what the tests need to drive it."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(PROGRAMS)} is installed")
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{', '.join(missing)} is not installed")
    return found


@pytest.fixture(scope="module")
def server(program, tmp_path_factory):
    """The command; at its end it has said nothing, asked nobody, and left no file."""
    folder, watched = tmp_path_factory.mktemp("temporary"), tmp_path_factory.mktemp("watched") / "found"
    words = [sys.executable, str(Path(__file__).parent / "watched.py"), "page", "--port", "0", "--megabytes", "5"]
    variables = {**os.environ, "TMPDIR": str(folder), "WATCHED": str(watched), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables, cwd=folder)
    try:
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address), process.communicate(timeout=60)
        yield address
        process.send_signal(signal.SIGTERM)
        _, complaints = process.communicate(timeout=30)
        assert (process.returncode, complaints) == (-signal.SIGTERM, "")
        assert not watched.exists(), watched.read_text(encoding="utf-8")
        assert not list(folder.iterdir())
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def browser(program, spoken):
    """A browser whose microphone hears a recording. It ends with its file: as long as it is there, nothing else can run asyncio's loop."""
    from playwright.sync_api import sync_playwright

    heard = f"--use-file-for-fake-audio-capture={spoken['03a01Aa.wav']}"
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=program, args=[*OPTIONS, heard])
        yield found.new_context(viewport=WIDE)
        found.close()


@pytest.fixture
def window(browser, server, spoken):
    """A window of the browser, with a fresh page in it."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    window = Window(page, server, spoken)
    page.on("request", lambda request: window.requested.append(request.url))
    page.on("websocket", lambda socket: window.requested.append(socket.url))
    page.on("filechooser", lambda chooser: None)  # or the first one that a test waits for may have come before anybody listens
    page.goto(server)
    page.get_by_role("button", name="Judge the recording").wait_for()
    yield window
    page.close()
