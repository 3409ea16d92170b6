"""The prepared corpus that all tests share, opened from its records and packed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_acrnn.data.prepared import PackedCorpus, RecordCorpus, pack


@pytest.fixture(scope="module")
def corpus(prepared: Path) -> RecordCorpus:
    return RecordCorpus(prepared)


@pytest.fixture(scope="module")
def packed_file(corpus: RecordCorpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "made" / "small.npz"
    pack(corpus, path)
    return path


@pytest.fixture(scope="module")
def packed(packed_file: Path) -> PackedCorpus:
    return PackedCorpus(packed_file)
