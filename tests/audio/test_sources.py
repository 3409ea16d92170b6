"""What the ecosystem hands over as a recording is taken: bytes, open files, samples with their rate in several forms."""

from __future__ import annotations

import gzip
import http.client
import io
import mmap
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from ser_acrnn import audio
from ser_acrnn.audio import sources
from ser_acrnn.audio.waveforms import samples_and_rate, to_mono

RATE_HERTZ = 8_000
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 8_000).astype(np.float32)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sources") / "a.wav"
    soundfile.write(path, NOISE, RATE_HERTZ, subtype="FLOAT")
    return path


class Pipe(io.RawIOBase):
    """Bytes that come once."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.data.readinto(buffer)


@pytest.mark.parametrize(
    "form", [str, Path, Path.read_bytes, lambda path: bytearray(path.read_bytes()), lambda path: Pipe(path.read_bytes())]
)
def test_a_file_in_any_form_is_the_same_waveform(path: Path, form: Callable[[Path], Any]) -> None:
    np.testing.assert_array_equal(audio.load(form(path)), audio.load(path))
    np.testing.assert_array_equal(np.concatenate(list(audio.stream(form(path)))), np.concatenate(list(audio.stream(path))))


def test_an_open_file_is_read_from_where_it_stands_and_again(path: Path) -> None:
    with io.BytesIO(b"before" + path.read_bytes()) as file:
        file.seek(6)
        for _ in range(2):
            np.testing.assert_array_equal(audio.load(file), audio.load(path))
        assert not file.closed and file.tell() == 6
    with path.open("rb") as file:
        assert sources.repeatable(file) is file and sources.repeatable(NOISE) is NOISE
        np.testing.assert_array_equal(audio.load(file), audio.load(path))
    assert sources.repeatable(Pipe(b"abc")) == b"abc"


def test_errors_name_the_file_where_there_is_one(path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio" * 100)
    with broken.open("rb") as file, pytest.raises(audio.AudioError, match=r"broken\.wav: cannot be read as audio"):
        audio.load(file)
    with pytest.raises(audio.AudioError, match=r"^cannot be read as audio"):
        audio.load(broken.read_bytes())
    with pytest.raises(audio.AudioError, match=r"^the file is empty \(0 bytes\), expected audio"):
        audio.load(b"")
    with (
        path.open(encoding="latin-1") as file,
        pytest.raises(audio.AudioError, match=r"a\.wav: is a file that was opened as text, expected"),
    ):
        audio.load(file)  # type: ignore[arg-type]
    with soundfile.SoundFile(path) as file, pytest.raises(audio.AudioError, match=r"a\.wav: is a SoundFile that gives no bytes, expected"):
        audio.load(file)  # type: ignore[arg-type]


class Decoder:
    """What is taken of TorchCodec's, which is not installed for the tests: `get_all_samples()`, with `data` and `sample_rate`."""

    def __init__(self, samples: Any) -> None:
        self.samples = samples

    def get_all_samples(self) -> SimpleNamespace:
        if self.samples is None:
            raise RuntimeError("No\naudio stream")
        return SimpleNamespace(data=self.samples[np.newaxis], sample_rate=RATE_HERTZ, pts_seconds=0.0)


@pytest.mark.parametrize(
    "recording",
    [
        (NOISE, RATE_HERTZ),
        (RATE_HERTZ, NOISE),
        {"array": NOISE, "sampling_rate": RATE_HERTZ, "path": None},
        {"raw": NOISE.tolist(), "sampling_rate": np.int64(RATE_HERTZ)},
        (NOISE[np.newaxis], RATE_HERTZ),
        (np.stack([NOISE, NOISE]), RATE_HERTZ),
        (np.round(NOISE * 32_768).astype(np.int16), RATE_HERTZ),
        (np.ma.masked_array(NOISE, mask=False), RATE_HERTZ),
        Decoder(NOISE),
        Decoder(NOISE).get_all_samples(),
    ],
    ids=[
        *("samples and rate", "rate and samples", "datasets", "pipeline", "one channel first", "two channels first", "integers"),
        *("a mask that masks nothing", "a decoder of TorchCodec", "its samples"),
    ],
)
def test_samples_with_their_rate_in_any_form_are_the_same_waveform(recording: Any) -> None:
    samples, rate = samples_and_rate(recording, None)
    assert rate == RATE_HERTZ
    np.testing.assert_allclose(to_mono(samples, rate), to_mono(NOISE, RATE_HERTZ), atol=2e-4)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8])
def test_integers_have_their_own_full_scale(dtype: type) -> None:
    scale = np.iinfo(dtype).max // 2 + (0 if np.iinfo(dtype).min == 0 else np.iinfo(dtype).max // 2) + 1
    offset = 128 if dtype is np.uint8 else 0
    samples = np.round(NOISE.astype(np.float64) * scale + offset).astype(dtype)
    np.testing.assert_allclose(to_mono(samples, 16_000), NOISE, atol=1 / 100 if dtype is np.uint8 else 1e-4)


@pytest.mark.parametrize(
    ("recording", "rate", "words"),
    [
        ((NOISE, RATE_HERTZ), 16_000, "has a rate of 8000 Hz with it and another of 16000 Hz beside it, expected one"),
        ({"audio": NOISE}, None, r"is a mapping with \['audio'\], expected 'array' and 'sampling_rate'"),
        ({"bytes": None, "path": None}, None, r"is a mapping with \['bytes', 'path'\], expected .*, or 'bytes' or 'path'"),
        (Decoder(None), None, r"cannot be decoded by TorchCodec \(No audio stream\), expected audio that it reads"),
        (np.ma.masked_array(NOISE, mask=np.sort(NOISE)[-4] < NOISE), 8_000, "has 3 samples masked, expected samples without a mask"),
        ((NOISE, NOISE), None, "is a pair of arrays, expected samples and their rate"),
        ([[0.1, 0.2], [0.3]], None, "is no array of samples .*, expected"),
        (([[0.1, 0.2], [0.3]], RATE_HERTZ), None, "is no array of samples .*, expected"),
        (["a", "b"], None, "holds <U1 instead of samples, expected real numbers"),
        (np.zeros((2, 3, 4)), None, r"has the shape \(2, 3, 4\), expected \(samples,\) or"),
        (0.5, None, r"has the shape \(\), expected \(samples,\) or"),
        (np.zeros((300, 400)), None, r"has the shape \(300, 400\), expected .* 64 channels at most"),
        (NOISE, 0, "has a sampling rate of 0 Hz, expected 400 to"),
        (NOISE, 16, "has a sampling rate of 16 Hz, expected 400 to 10000000: hertz are expected, not kilohertz"),
        (NOISE, -16_000, "has a sampling rate of -16000 Hz, expected 400 to"),
        (NOISE, float("nan"), "has a sampling rate of nan Hz, expected 400 to"),
        (NOISE, "16000", "has a sampling rate of '16000', a str, expected a number of hertz"),
        (NOISE, True, "has a sampling rate of True, a bool, expected a number of hertz"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(recording: Any, rate: Any, words: str) -> None:
    with pytest.raises(audio.AudioError, match=words):
        to_mono(*(value if value is not None else 16_000 for value in samples_and_rate(recording, rate)))


@pytest.mark.parametrize(
    "one",
    ["a.wav", Path("a.wav"), b"RIFF", 5, NOISE, {"array": NOISE, "sampling_rate": 1}, Decoder(NOISE)],
    ids=lambda one: type(one).__name__,
)
def test_one_recording_where_several_are_expected_is_refused(one: Any) -> None:
    with pytest.raises(ValueError, match=r"recordings is a single \w+, expected several recordings, such as \[recording\]"):
        sources.several(one)
    assert sources.several([one]) == [one]


@pytest.mark.parametrize("held", [bytes, lambda found: None], ids=["bytes", "path"])
def test_audio_that_datasets_did_not_decode_is_the_file(path: Path, tmp_path: Path, held: Any) -> None:
    found = sources.unwrapped({"bytes": held(path.read_bytes()), "path": str(path)})
    assert sources.name_of(found) == str(path)
    np.testing.assert_array_equal(audio.load(found, RATE_HERTZ), NOISE)
    for other in ({"bytes": "UklGRg==", "path": None}, {"array": NOISE, "sampling_rate": 1, "path": "a.wav"}, {}, NOISE):
        assert sources.unwrapped(other) is other


@pytest.mark.parametrize("paths", [np.array(["a.wav", "b.wav"]), pd.Series(["a.wav", "b.wav"]), pd.Series([Path("a.wav")])])
def test_an_array_or_a_series_of_paths_holds_several_recordings(paths: Any) -> None:
    assert sources.several(paths) is paths
    with pytest.raises(ValueError, match="is a single Series"):
        sources.several(pd.Series(NOISE))


def broken_gzip(data: bytes) -> Any:
    return gzip.open(io.BytesIO(gzip.compress(data)[: len(data) // 3]))


def broken_member(data: bytes) -> Any:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("a.wav", data)
    damaged = bytearray(kept.getvalue())
    damaged[len(data) // 2] ^= 255
    return zipfile.ZipFile(io.BytesIO(bytes(damaged))).open("a.wav")


def broken_answer(data: bytes) -> Any:
    def read(size: int = -1) -> bytes:
        if size == 0:
            return b""
        raise http.client.IncompleteRead(data[:100], len(data))

    return SimpleNamespace(read=read)


@pytest.mark.parametrize("broken", [broken_gzip, broken_member, broken_answer])
def test_whatever_an_open_file_raises_is_said_of_the_recording(path: Path, broken: Callable[[bytes], Any]) -> None:
    with pytest.raises(audio.AudioError, match=r"cannot be read as audio \((EOFError|BadZipFile|IncompleteRead): "):
        audio.load(broken(path.read_bytes()))


def test_a_memory_map_is_read_again_and_other_paths_and_views_are_taken(path: Path) -> None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        for _ in range(2):
            np.testing.assert_array_equal(audio.load(mapped, RATE_HERTZ), NOISE)
    (entry,) = (entry for entry in os.scandir(path.parent) if entry.name == path.name)
    assert sources.name_of(entry) == str(path)
    every_second = memoryview(np.repeat(np.frombuffer(path.read_bytes(), np.uint8), 2))[::2]
    for recording in (entry, every_second):
        np.testing.assert_array_equal(audio.load(recording, RATE_HERTZ), NOISE)


def test_a_finite_sample_that_float32_does_not_hold_is_named_as_it_is() -> None:
    with pytest.raises(audio.AudioError, match=r"holds a sample of -1e\+300, expected none beyond 2147483648"):
        to_mono(np.array([0.0, -1e300, 1.0]), RATE_HERTZ)


def test_a_rate_of_no_dimension_is_a_rate() -> None:
    np.testing.assert_array_equal(to_mono(NOISE, np.array(RATE_HERTZ), RATE_HERTZ), NOISE)


def test_pieces_of_a_rate_that_is_none_are_refused() -> None:
    with pytest.raises(audio.AudioError, match="has a sampling rate of 2000000000 Hz, expected 400 to"):
        next(audio.resampled(iter([NOISE]), 2_000_000_000))


class ByDlpackAlone:
    """An array that is read by DLPack, and has no `__array__`."""

    def __init__(self, samples: np.ndarray) -> None:
        self._samples = samples

    def __dlpack__(self, **words: Any) -> Any:
        return self._samples.__dlpack__(**words)

    def __dlpack_device__(self) -> Any:
        return self._samples.__dlpack_device__()


def jax_array(samples: np.ndarray) -> Any:
    return pytest.importorskip("jax.numpy").asarray(samples)


@pytest.mark.parametrize("form", [ByDlpackAlone, jax_array])
def test_arrays_of_other_libraries_are_samples(form: Callable[[np.ndarray], Any]) -> None:
    samples = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    found, rate = samples_and_rate((form(samples), 8_000), None)
    assert rate == 8_000 and isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, samples)
