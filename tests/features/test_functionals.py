"""Functionals: what openSMILE computes, and that each recording's are computed once."""

import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from ser_acrnn import audio
from ser_acrnn.config.baselines import COMPARE, EGEMAPS, FunctionalsConfig
from ser_acrnn.features import functionals
from ser_acrnn.features.functionals import Extractor, functionals_of, opensmile_extractor

CONFIG = FunctionalsConfig("two-moments", 2)
# What openSMILE's own reader of files makes of them, as a table with its names.
ASK = """
import sys, opensmile
smile = opensmile.Smile(sys.argv[1], opensmile.FeatureLevel.Functionals)
print(smile.process_files(sys.argv[2:]).to_csv(index=False))
"""
CAPTURED = {"capture_output": True, "text": True, "check": True}


@pytest.fixture
def recordings(tmp_path, write_corpus):
    """The sha256 and the file of three recordings."""
    return [(hashlib.sha256(path.read_bytes()).hexdigest(), path) for path in write_corpus(tmp_path / "corpus", "WT", ("03", "08"))[:3]]


class Moments:
    """Mean and standard deviation in place of openSMILE; remembers how much it has heard."""

    def __init__(self):
        self.heard = []

    def __call__(self, paths):
        for path in paths:
            self.heard.append(path.name)
            yield moments(path)


def moments(path):
    waveform = audio.load(path)
    return np.array([waveform.mean(), waveform.std()], np.float32)


def test_what_was_computed_is_not_computed_again(recordings, tmp_path):
    first, again = Moments(), Moments()
    rows = functionals_of(recordings[:2], CONFIG, Extractor("moments 1", first), tmp_path / "kept")
    assert first.heard == ["03a01Wa.wav", "03a01Ta.wav"]
    for row, (_, path) in zip(rows, recordings, strict=False):
        np.testing.assert_array_equal(row, moments(path))
    more = functionals_of(recordings[::-1], CONFIG, Extractor("moments 1", again), tmp_path / "kept")
    assert again.heard == ["08a01Wa.wav"]
    np.testing.assert_array_equal(more[::-1][:2], rows)
    assert [path.suffix for path in (tmp_path / "kept").iterdir()] == [".npz"]


@pytest.mark.parametrize("change", ["version", "set", "rate", "audio"])
def test_another_version_set_rate_or_recording_is_computed_anew(recordings, tmp_path, change):
    checksum, path = recordings[0]
    functionals_of([(checksum, path)], CONFIG, Extractor("moments 1", Moments()), tmp_path / "kept")
    config, program = CONFIG, "moments 1"
    if change == "version":
        program = "moments 2"
    elif change == "audio":
        checksum, path = "0" * 64, recordings[1][1]
    else:
        config = replace(CONFIG, **({"feature_set": "others"} if change == "set" else {"sampling_rate_hertz": 8_000}))
    other = Moments()
    (row,) = functionals_of([(checksum, path)], config, Extractor(program, other), tmp_path / "kept")
    assert len(other.heard) == 1
    np.testing.assert_array_equal(row, moments(path))


def test_what_was_computed_before_a_failure_is_kept(recordings, tmp_path):
    def stops(paths):
        yield np.zeros(2, np.float32)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        functionals_of(recordings, CONFIG, Extractor("moments 1", stops), tmp_path / "kept")
    rest = Moments()
    rows = functionals_of(recordings, CONFIG, Extractor("moments 1", rest), tmp_path / "kept")
    assert rest.heard == ["03a01Ta.wav", "08a01Wa.wav"] and not rows[0].any() and rows[1:].all()


def test_functionals_that_are_not_finite_are_refused_by_name_and_not_kept(recordings, tmp_path):
    broken = Extractor("moments 1", lambda paths: iter([np.array([np.nan, 1], np.float32)]))
    with pytest.raises(ValueError, match=r"03a01Wa\.wav: 1 functionals of two-moments are not finite, expected none"):
        functionals_of(recordings, CONFIG, broken, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_kept_file_that_cannot_be_read_is_named(recordings, tmp_path):
    functionals_of(recordings, CONFIG, Extractor("moments 1", Moments()), tmp_path)
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="cannot be read as kept functionals") as caught:
        functionals_of(recordings, CONFIG, Extractor("moments 1", Moments()), tmp_path)
    assert str(path) in str(caught.value)


def test_without_opensmile_the_extra_is_named(monkeypatch):
    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(functionals, "version", version)
    with pytest.raises(ValueError, match=r"opensmile is not installed, expected the extra: pip install 'ser_acrnn\[baselines\]'"):
        opensmile_extractor(COMPARE)


needs_opensmile = pytest.mark.skipif(find_spec("opensmile") is None, reason="opensmile is not installed (extra [baselines])")


@needs_opensmile
def test_a_set_of_another_size_is_refused(recordings, tmp_path):
    with pytest.raises(ValueError, match="opensmile's eGeMAPSv02 has 88 functionals, expected 62"):
        functionals_of(recordings, replace(EGEMAPS, functionals=62), opensmile_extractor(replace(EGEMAPS, functionals=62)), tmp_path)


@needs_opensmile
@pytest.mark.parametrize("config, known", [(COMPARE, "audspec_lengthL1norm_sma_range"), (EGEMAPS, "F0semitoneFrom27.5Hz_sma3nz_amean")])
def test_opensmile_gives_its_sets_functionals_as_its_own_command_does(recordings, tmp_path, monkeypatch, config, known):
    monkeypatch.setattr(functionals, "A_TIME", 2)
    rows = functionals_of(recordings, config, opensmile_extractor(config), tmp_path / "kept")
    table = subprocess.run([sys.executable, "-c", ASK, config.feature_set, *(str(path) for _, path in recordings)], **CAPTURED).stdout
    theirs = pd.read_csv(io.StringIO(table))
    assert rows.shape == (3, config.functionals) and theirs.columns[0] == known
    np.testing.assert_array_equal(rows, theirs.to_numpy(np.float32))
    assert (rows[0] != rows[1]).mean() > 0.8
    (path,) = (tmp_path / "kept").iterdir()
    assert path.name == f"{config.feature_set}-{config.recipe_hash}-opensmile-{version('opensmile')}.npz"


def test_the_hash_changes_with_the_set():
    hashes = {config.recipe_hash for config in (COMPARE, EGEMAPS, replace(COMPARE, sampling_rate_hertz=8_000))}
    assert len(hashes) == 3 and all(len(digits) == 16 for digits in hashes)
    assert functionals.FunctionalsConfig.from_dict(COMPARE.to_dict()) == COMPARE
