"""Every block of code in README and the pages is right: Python runs, short commands run, long ones are read by their own parsers."""

from __future__ import annotations

import shutil
import traceback
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shell
from blocks import Block, blocks, commands
from shell import WrongCommandError

from ser_acrnn.inference import embedding, predictor

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md")))]
NOT_CODE = {"text", "toml"}  # what is printed, or a file's content
# Blocks that are not run: page and first word -> why.
SKIPPED = {("README.md", "ser_acrnn/"): "lists the repository's folders"}
# What a page's code takes as given.
GIVEN = {"README.md": ("waveform",)}


class WrongBlockError(AssertionError):
    """A block of Python that fails as it stands."""


def check(markdown: str, page: str, given: dict[str, Any]) -> dict[str, Any]:
    """Runs a page's blocks in order in one fresh namespace, which is returned."""
    namespace: dict[str, Any] = {"__name__": "__page__", **given}
    for block in blocks(markdown):
        if (page, block.text.split()[0]) in SKIPPED:
            continue
        if block.language == "python":
            _run(block, page, namespace)
        elif block.language == "bash":
            for command in commands(block.text):
                shell.check(command)
        else:
            assert block.language in NOT_CODE, f"{page}, line {block.line}: a block of {block.language!r}, expected a known language"
    return namespace


def _run(block: Block, page: str, namespace: dict[str, Any]) -> None:
    try:
        exec(compile("\n" * block.line + block.text, page, "exec"), namespace)
    except Exception as error:
        raise WrongBlockError(f"{page}, block at line {block.line}: {traceback.format_exc(limit=-1)}") from error


# What loads, cuts or compiles a network: done once for all pages, which then take a third of the time.
ONCE = (
    (predictor, "_network"),
    (predictor, "with_attention"),
    (predictor, "SpeakerBatchNorm"),
    (embedding, "encoder"),
)


@pytest.fixture(scope="module")
def loaded_once():
    """Networks are loaded and compiled once, and a command that stands on several pages is checked once."""
    patch = pytest.MonkeyPatch()
    for module, name in ONCE:
        if hasattr(module, name):
            patch.setattr(module, name, cache(getattr(module, name)))
    patch.setattr(shell, "check", cache(shell.check))
    yield
    patch.undo()


@pytest.fixture
def here(pages_files, tmp_path, monkeypatch):
    """A copy of the files that pages name, as the current folder."""
    folder = shutil.copytree(pages_files, tmp_path / "here")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(ROOT))
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page(page, here, waveform, loaded_once):
    text = (ROOT / page).read_text(encoding="utf-8")
    namespace = check(text, page, {name: {"waveform": waveform}[name] for name in GIVEN.get(page, ())})
    if page == "README.md":
        assert f"{namespace['network'].count_params():,} parameters" in text
        assert np.allclose(np.asarray(namespace["posteriors"]).sum(axis=1), 1, atol=1e-5)
    if page == "docs/guides/new-corpus.md":
        shutil.copytree("recordings", "theatre/anna")
        for number, emotion in enumerate(("angry", "sad"), start=1):
            Path(f"theatre/anna/{number}.wav").rename(f"theatre/anna/{emotion}-1.wav")
        reading = namespace["read"](Path("theatre"))
        assert [(one.speaker, one.emotion) for one in reading.utterances] == [("anna", "angry"), ("anna", "sad")]


@pytest.mark.parametrize(
    "wrong",
    [
        "ser-acrnn predicted recording.wav",
        "ser-acrnn predict --tempo recording.wav",
        "ser-acrnn predict there-is-no-such.wav",
        "ser-acrnn train --labels mine.csv",
        "python -m experiments.no_such_module",
        "python -m data_prep.pack only-one-argument",
        "make no-such-target",
        "make demo NOTHING=1",
        "pip install '.[nothing]'",
        "python -m pytest tests/nothing",
        "echo something",
    ],
)
def test_a_wrong_command_is_found(wrong, here, loaded_once):
    with pytest.raises(WrongCommandError):
        check(f"```bash\n{wrong}\n```\n", "page", {})
    with pytest.raises(WrongCommandError):
        check(f"Text:\n\n    {wrong}   # as in README\n\nText\n", "page", {})


def test_wrong_python_is_found():
    with pytest.raises(WrongBlockError, match=r"line 3.*(?s:.)*NameError"):
        check("Text\n\n```python\nimport ser_acrnn\nser_acrnn.preset(nothing)\n```\n", "page", {})
    with pytest.raises(AssertionError, match="known language"):
        check("```ruby\na = 1\n```\n", "page", {})


def test_blocks_of_every_kind_are_found():
    shell_and_list = "A\n\n    make help    # targets\n    make \\\n      demo\n\n- list\n\n    of it\n\n"
    page = f"{shell_and_list}1. a\n\n    ```bash\n    make test\n    ```\n\n```text\nx\n```\n"
    found = list(blocks(page))
    assert [(block.language, block.line) for block in found] == [("bash", 3), ("bash", 13), ("text", 17)]
    assert list(commands(found[0].text)) == ["make help", "make demo"]
    assert list(commands(found[1].text)) == ["make test"]
