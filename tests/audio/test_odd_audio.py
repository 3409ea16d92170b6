"""Odd audio files: each is judged, or refused in one message; and the command goes through a folder of all of them."""

from __future__ import annotations

import csv
import io
import re
import struct
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from threadpoolctl import threadpool_limits

from ser_acrnn import cli
from ser_acrnn.audio.files import AudioError
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.inference.predictions import Prediction
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn

pytestmark = pytest.mark.stochastic

RATE_HERTZ = 16_000
SMALL = ModelConfig(emotions=("angry", "sad", "happy"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)

Write = Callable[[Path], object]


def noise(seconds: float = 1.5, rate_hertz: int = RATE_HERTZ, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (round(seconds * rate_hertz), channels))


def sound(samples: np.ndarray | None = None, rate_hertz: int = RATE_HERTZ, **options: str) -> Write:
    """Writes samples, or a second and a half of noise, by libsndfile."""
    return lambda path: soundfile.write(path, noise(rate_hertz=rate_hertz) if samples is None else samples, rate_hertz, **options)


def content(data: bytes) -> Write:
    return lambda path: path.write_bytes(data)


def changed(change: Callable[[bytes], bytes], **options: str) -> Write:
    """A sound file whose bytes were changed."""

    def write(path: Path) -> None:
        sound(**options)(path)
        path.write_bytes(change(path.read_bytes()))

    return write


def cut(share: float, **options: str) -> Write:
    return changed(lambda data: data[: int(share * len(data))], **options)


def patched(place: int, new: bytes, **options: str) -> Write:
    return changed(lambda data: data[:place] + new + data[place + len(new) :], **options)


def with_sample(value: float, subtype: str = "FLOAT") -> Write:
    samples = noise()[:, 0]
    samples[100] = value
    return sound(samples, subtype=subtype)


def flac_of_unknown_length(data: bytes) -> bytes:
    """As an encoder leaves it that writes to a pipe: 36 bits of zero for the number of samples, the rest of STREAMINFO as it was."""
    return data[:21] + bytes([data[21] & 0xF0, 0, 0, 0, 0]) + data[26:]


JUDGED: dict[str, Write] = {
    "8-bit.wav": sound(subtype="PCM_U8"),
    "16-bit.wav": sound(subtype="PCM_16"),
    "24-bit.wav": sound(subtype="PCM_24"),
    "32-bit.wav": sound(subtype="PCM_32"),
    "float.wav": sound(subtype="FLOAT"),
    "double.wav": sound(subtype="DOUBLE"),
    "mu-law.wav": sound(subtype="ULAW"),
    "a-law.wav": sound(subtype="ALAW"),
    "ima-adpcm.wav": sound(subtype="IMA_ADPCM"),
    "ms-adpcm.wav": sound(subtype="MS_ADPCM"),
    "gsm.wav": sound(subtype="GSM610", rate_hertz=8_000),
    "extensible.wav": sound(format="WAVEX", subtype="PCM_24"),
    "nist.wav": sound(format="NIST", subtype="PCM_16"),
    "8-khz.wav": sound(rate_hertz=8_000),
    "11025-hz.wav": sound(rate_hertz=11_025),
    "44100-hz-stereo.wav": sound(noise(1.5, 44_100, 2), 44_100),
    "96-khz.wav": sound(rate_hertz=96_000, subtype="PCM_24"),
    "384-khz.wav": sound(rate_hertz=384_000),
    "500-hz.wav": sound(noise(3, 500), 500),
    "five-channels.wav": sound(noise(channels=5)),
    "thirty-two-channels.wav": sound(noise(channels=32)),
    "channels-that-cancel.wav": sound(noise() * [1, -1], subtype="FLOAT"),
    "to-a-pipe-by-sox.wav": patched(40, struct.pack("<I", 0x7FFF_F000)),
    "to-a-pipe-by-arecord.wav": patched(40, struct.pack("<I", 0x8000_0000)),
    "not-finalised.wav": patched(40, bytes(4)),
    "with-its-header-counted.wav": patched(40, struct.pack("<I", 48_044)),
    "two-in-a-row.wav": changed(lambda data: data * 2),
    "two-in-a-row.ogg": changed(lambda data: data * 2),
    "two-in-a-row.mp3": changed(lambda data: data * 2),
    "one-silent-channel.wav": sound(noise(channels=2) * [1, 0]),
    "three-tenths-of-a-second.wav": sound(noise(0.3)),
    "longer-than-an-utterance.wav": sound(noise(61)),
    "clipped.wav": sound(np.clip(40 * noise(), -1, 1)),
    "offset.wav": sound(0.01 * noise() + 0.9),
    "the-last-bit.wav": sound(np.array([0, 1, 0, -1] * 4_000, np.int16)),
    "faint.wav": sound(1e-20 * noise(), subtype="FLOAT"),
    "beyond-full-scale.wav": sound(50 * noise(), subtype="FLOAT"),
    "integers-as-floats.wav": sound(32_768 * noise(), subtype="FLOAT"),
    "to-a-pipe.wav": changed(lambda data: data[:4] + b"\xff" * 4 + data[8:40] + b"\xff" * 4 + data[44:]),
    "16-bit.flac": sound(),
    "24-bit.flac": sound(subtype="PCM_24"),
    "to-a-pipe.flac": changed(flac_of_unknown_length),
    "vorbis.ogg": sound(),
    "opus.ogg": sound(format="OGG", subtype="OPUS"),
    "a.mp3": sound(),
    "without-a-table.mp3": changed(lambda data: data.replace(b"Info", bytes(4)).replace(b"Xing", bytes(4))),
    "tagged.mp3": changed(lambda data: b"ID3\x03\0\0\0\0\x20\0" + bytes(32 * 128) + data),
    "wav-named.mp3": sound(format="WAV"),
    "a.aiff": sound(),
    "a.au": sound(),
    "a.caf": sound(),
    "a.w64": sound(),
    "a.rf64": sound(),
    "grüße, ☃ [1].wav": sound(),
    "-dash.wav": sound(),
}
REFUSED: dict[str, tuple[Write, str]] = {
    "10-hz.wav": (sound(noise(3, 10), 10), r"has a sampling rate of 10 Hz, expected 400 to 10000000"),
    "empty.wav": (content(b""), r"the file is empty \(0 bytes\), expected audio"),
    "header-only.wav": (sound(noise(0)), "holds 0 samples, expected at least one"),
    "one-millisecond.wav": (sound(noise(0.001)), r"holds 0\.00 s of speech, expected 0\.3 s or more"),
    "two-samples.wav": (sound(noise()[:2]), r"holds 0\.00 s of speech, expected 0\.3 s or more"),
    "two-samples-96-khz.wav": (sound(noise()[:2], 96_000), r"holds 0\.00 s of speech, expected 0\.3 s or more"),
    "nearly-three-tenths.wav": (sound(noise(0.29)), r"holds 0\.29 s of speech, expected 0\.3 s or more"),
    "half-a-header.wav": (changed(lambda data: data[:30]), r"cannot be read as audio \(libsndfile: .*\), expected a format"),
    "no-rate.wav": (patched(24, bytes(4)), r"cannot be read as audio \(libsndfile: .*\), expected a format"),
    "no-channels.wav": (patched(22, bytes(2)), r"cannot be read as audio \(libsndfile: .*\), expected a format"),
    "cut-off.wav": (cut(0.6), r"is cut off: holds \d+ bytes of audio, expected the 48000 that its header announces"),
    "cut-off.flac": (cut(0.6), r"(is cut off: holds \d+ samples|cannot be read as audio \(.*\)), expected "),
    "cut-off.mp3": (cut(0.6), r"is cut off: holds \d+ samples, expected the \d+ that its header announces"),
    "cut-off.aiff": (cut(0.6), r"is cut off: holds \d+ bytes of audio, expected the \d+ that its header announces"),
    "text.wav": (content(b"<html>404 Not Found</html>\n" * 40), r"cannot be read as audio \(libsndfile: .*\), expected a format"),
    "text.mp3": (content(b"not audio\n" * 40), r"cannot be read as audio \(libsndfile: .*\), expected a format"),
    "zip.flac": (content(b"PK\x03\x04" + bytes(200)), r"cannot be read as audio \(libsndfile: .*\), expected a format"),
    "rubbish.ogg": (content(np.random.default_rng(3).bytes(5_000)), r"cannot be read as audio \(libsndfile: .*\), expected a format"),
    "rubbish.m4a": (
        content(struct.pack(">I", 24) + b"ftypM4A " + np.random.default_rng(4).bytes(5_000)),
        r"cannot be read as audio \(libsndfile: .*FFmpeg.*\), expected a format",
    ),
    "nan.wav": (with_sample(np.nan), "holds 1 NaN or infinite samples, the first at sample 100, expected finite samples"),
    "all-nan.wav": (
        sound(noise() * np.nan, subtype="FLOAT"),
        "holds 24000 NaN or infinite samples, the first at sample 0, expected finite",
    ),
    "infinite.wav": (with_sample(np.inf), "holds 1 NaN or infinite samples, the first at sample 100, expected finite samples"),
    "more-than-float32.wav": (with_sample(1e300, "DOUBLE"), "holds 1 NaN or infinite samples, the first at sample 100, expected finite"),
    "huge.wav": (with_sample(-1e30), r"holds a sample of -1e\+30, expected none beyond 2147483648"),
    "silence.wav": (sound(np.zeros(8_000)), "is silent: all 8000 samples equal 0, expected a signal"),
    "constant.wav": (sound(np.full(8_000, 0.25)), "is silent: all 8000 samples equal 0.25, expected a signal"),
    "with-more-than-announced.wav": (
        patched(40, struct.pack("<I", 9_600)),
        "holds 48000 bytes after its header, expected the 9600 bytes of audio that it announces",
    ),
    "one-sample.wav": (sound(noise()[:1]), "is silent: all 1 samples equal"),
    "long-silence.wav": (sound(np.zeros(61 * RATE_HERTZ)), "no window can be judged, the first because it is silent.*expected"),
    "long-and-cut-off.flac": (
        lambda path: (sound(noise(61))(path), path.write_bytes(path.read_bytes()[:-5_000])),
        r"(is cut off: holds \d+ samples|cannot be read as audio \(.*\)), expected ",
    ),
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("network") / "tiny.keras"
    model = acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
    model.get_layer("normalise").set_statistics(np.full((40, 3), -5.0), np.full((40, 3), 4.0))
    model.save(path)
    return path


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums over a few thousand samples are no work for two threads: on a busy machine they wait for each other most of the time."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="module")
def score(network: Path) -> Callable[[Path], Prediction | AudioError]:
    """One network for all: what it says of a file, or how it refuses it."""
    predictor = Predictor(network)

    @cache
    def score(path: Path) -> Prediction | AudioError:
        try:
            return predictor.predict(path)
        except AudioError as error:
            return error

    return score


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    for name, write in (JUDGED | {name: write for name, (write, _) in REFUSED.items()}).items():
        write(folder / name)
    return folder


@pytest.mark.parametrize("name", JUDGED)
def test_an_odd_file_is_judged(score: Callable[[Path], Prediction | AudioError], folder: Path, name: str) -> None:
    found = score(folder / name)
    assert isinstance(found, Prediction), found
    posteriors = list(found.posteriors.values())
    assert np.isfinite(posteriors).all() and min(posteriors) >= 0
    assert sum(posteriors) == pytest.approx(1)


@pytest.mark.parametrize("name", REFUSED)
def test_an_odd_file_is_refused_by_name_with_what_was_found_and_expected(
    score: Callable[[Path], Prediction | AudioError], folder: Path, name: str
) -> None:
    found = score(folder / name)
    assert isinstance(found, AudioError), found
    message = str(found)
    assert message.startswith(f"{folder / name}: ") and "\n" not in message
    assert re.match(REFUSED[name][1], message.removeprefix(f"{folder / name}: ")), message


def test_the_command_judges_what_it_can_and_lists_the_rest(
    network: Path, score: Callable[[Path], Prediction | AudioError], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(JUDGED) + len(REFUSED) >= 50
    assert cli.main(["predict", "--csv", "--model", str(network), str(folder)]) == 1
    printed, errors = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["path"] for row in rows] == [str(path) for path in sorted(folder.iterdir()) if path.name in JUDGED]
    for row in rows:
        expected = score(Path(row["path"]))
        assert isinstance(expected, Prediction) and row["emotion"] == expected.emotion
        for emotion, share in expected.posteriors.items():
            assert float(row[emotion]) == pytest.approx(share, abs=2e-4)  # four places are printed
    first, *listed = errors.splitlines()
    assert first == f"{len(REFUSED)} of {len(JUDGED) + len(REFUSED)} recordings could not be used:"
    refused = [path for path in sorted(folder.iterdir()) if path.name in REFUSED]
    assert [line.strip() for line in listed] == [str(score(path)) for path in refused]
