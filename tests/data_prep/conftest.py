"""A corpus of three speakers to be prepared, where it goes, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Write = Callable[..., list[Path]]


@pytest.fixture
def source(tmp_path: Path, write_corpus: Write) -> Path:
    """Three speakers of two short utterances."""
    write_corpus(tmp_path / "source", "WT", ("03", "08", "09"))
    return tmp_path / "source"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def bad(source: Path) -> dict[str, str]:
    """Three unusable recordings of `source`, and what is wrong with them."""
    wav = source / "wav"
    (wav / "03a01Wa.wav").write_bytes(b"")
    (wav / "08a01Wa.wav").write_text("no audio")
    soundfile.write(wav / "08a01Ta.wav", np.zeros(16_000), 16_000)
    return {"03a01Wa": "is empty", "08a01Ta": "is silent", "08a01Wa": "cannot be read as audio"}
