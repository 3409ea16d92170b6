"""Small splits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

Write = Callable[..., Path]
HONEST = [
    (f"{speaker}{number}.wav", speaker, emotion, part)
    for speaker, part in zip("abcd", ("train", "train", "validation", "test"), strict=True)
    for emotion in ("angry", "sad")
    for number in (f"{emotion}{place}" for place in range(20))
]


@pytest.fixture
def write_split(tmp_path: Path) -> Write:
    """A function `(rows, head="path,speaker,emotion,part", name="split.csv")` that writes a table; without rows, of an honest split."""

    def write(rows: Iterable[tuple[str, ...]] = HONEST, head: str = "path,speaker,emotion,part", name: str = "split.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([head, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def honest() -> list[tuple[str, ...]]:
    """Rows of a split in which nothing is wrong: 40 recordings of each of four speakers, of whom two train, one validates and one tests."""
    return list(HONEST)
