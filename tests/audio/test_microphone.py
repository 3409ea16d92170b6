"""`ser-acrnn record`, with a stand-in for sounddevice that plays samples: no microphone is needed, and none was at hand."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pytest
import soundfile

from ser_acrnn import cli
from ser_acrnn.audio import microphone
from ser_acrnn.audio.microphone import MicrophoneError
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.models.networks import acrnn

pytestmark = pytest.mark.stochastic

RATE_HERTZ = 16_000
SMALL = {"emotions": ("angry", "sad", "happy"), "conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}


class PortAudioError(Exception):
    pass


class Sounddevice(types.ModuleType):
    """Plays samples to whoever opens a stream, as fast as they are taken.

    Args:
        samples: What is played; nothing follows.
        rates: That the device has; the first one is its own.
        at_end: Called when all is played.
        names: Of the input devices.
    """

    PortAudioError = PortAudioError

    def __init__(
        self,
        samples: np.ndarray,
        rates: tuple[int, ...] = (48_000, RATE_HERTZ),
        at_end: Callable[[], object] = lambda: None,
        names: tuple[str, ...] = ("Built-in", "Headset"),
    ) -> None:
        super().__init__("sounddevice")
        self.samples, self.rates, self.at_end, self.names = samples, rates, at_end, names
        self.opened: list[dict[str, Any]] = []
        self.closed = 0
        module = self

        class InputStream:
            def __init__(self, **options: Any) -> None:
                if options["samplerate"] not in module.rates:
                    raise PortAudioError("Invalid sample rate")
                module.opened.append(options)
                self.options = options

            def __enter__(self) -> Self:
                threading.Thread(target=self.play, daemon=True).start()
                return self

            def play(self) -> None:
                size = self.options["blocksize"]
                buffer = np.empty((size, 1), np.float32)  # used again, as PortAudio does
                for start in range(0, len(module.samples), size):
                    piece = module.samples[start : start + size, None]
                    buffer[: len(piece)] = piece
                    self.options["callback"](buffer[: len(piece)], len(piece), None, "input overflow" if start == 0 else "")
                module.at_end()

            def __exit__(self, *_: object) -> None:
                module.closed += 1

        self.InputStream = InputStream

    def query_devices(self, device: int | str | None = None, kind: str | None = None) -> Any:
        every = [{"name": "Speakers", "max_input_channels": 0, "default_samplerate": 44_100.0}]
        every += [{"name": name, "max_input_channels": 1, "default_samplerate": float(self.rates[0])} for name in self.names]
        if kind is None:
            return every
        inputs = [one for one in every if one["max_input_channels"]]
        if device is None:
            if not inputs:
                raise PortAudioError("Error querying device -1")
            return inputs[0]
        chosen = [one for number, one in enumerate(every) if number == device or str(device) in str(one["name"])]
        if not chosen:
            raise ValueError(f"No input device matching {device!r}")
        return chosen[0]

    def check_input_settings(self, *, samplerate: int, **_: object) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return 0.1 * np.random.default_rng(3).normal(size=8 * RATE_HERTZ).clip(-4, 4).astype(np.float32)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sounddevice]:
    def install(*arguments: Any, **options: Any) -> Sounddevice:
        module = Sounddevice(*arguments, **options)
        monkeypatch.setitem(sys.modules, "sounddevice", module)
        return module

    return install


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("record")
    for scope in ("training", "speaker"):
        model = acrnn(ModelConfig(**SMALL, normalisation=scope), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
        model.save(folder / f"{scope}.keras")
    return folder / "training.keras"


def record(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = cli.main(["record", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_what_is_said_live_is_what_the_timeline_of_the_same_samples_says(
    play: Callable[..., Sounddevice], capsys: pytest.CaptureFixture[str], network: Path, samples: np.ndarray, tmp_path: Path
) -> None:
    module = play(samples)
    words = ("--model", network, "--seconds", 7.5, "--hop", 0.5, "--device", "Head", "--save", tmp_path / "a.wav", "--csv")
    code, printed, errors = record(capsys, *words)
    assert code == 0 and errors.endswith(f"recording: {tmp_path / 'a.wav'}\n")
    assert [(one["device"], one["samplerate"], one["channels"], one["dtype"]) for one in module.opened] == [("Head", 16_000, 1, "float32")]
    assert module.closed == 1
    heard = samples[: round(7.5 * RATE_HERTZ)]
    expected = list(Predictor(network).timeline(heard, hop_seconds=0.5))
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert len(rows) == len(expected) == 10
    for row, moment in zip(rows, expected, strict=True):
        assert (float(row["start"]), float(row["end"])) == (round(moment.start_seconds, 3), round(moment.end_seconds, 3))
        assert row["emotion"] == moment.emotion
        for emotion, share in moment.posteriors.items():
            assert float(row[emotion]) == pytest.approx(share, abs=2e-4)
    saved, rate = soundfile.read(tmp_path / "a.wav")
    assert rate == RATE_HERTZ
    np.testing.assert_allclose(saved, heard, rtol=0, atol=2**-15)


def test_ctrl_c_ends_with_the_last_judgement_and_a_whole_file(
    play: Callable[..., Sounddevice], capsys: pytest.CaptureFixture[str], network: Path, samples: np.ndarray, tmp_path: Path
) -> None:
    before = signal.getsignal(signal.SIGINT)
    module = play(samples[: 4 * RATE_HERTZ], at_end=lambda: os.kill(os.getpid(), signal.SIGINT))
    code, printed, _ = record(capsys, "--model", network, "--save", tmp_path / "a.flac", "--json")
    assert code == 0 and module.closed == 1 and signal.getsignal(signal.SIGINT) is before
    assert [json.loads(line)["end"] for line in printed.splitlines()] == [3.015, 4]
    assert soundfile.info(tmp_path / "a.flac").frames == 4 * RATE_HERTZ


def test_a_device_without_the_rate_is_resampled(play: Callable[..., Sounddevice], samples: np.ndarray) -> None:
    time = np.arange(2 * 48_000) / 48_000
    module = play(0.5 * np.sin(2 * np.pi * 440 * time).astype(np.float32), rates=(48_000,))
    heard = np.concatenate(list(microphone.listen(seconds=2)))
    assert module.opened[0]["samplerate"] == 48_000 and len(heard) == 2 * RATE_HERTZ
    assert np.abs(np.fft.rfft(heard[:RATE_HERTZ])).argmax() == 440


def test_lost_sound_is_told(play: Callable[..., Sounddevice], samples: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    play(samples)
    pieces = microphone.listen(seconds=8)
    first = next(pieces)
    assert len(first) == RATE_HERTZ // 10
    np.testing.assert_array_equal(first, samples[: len(first)])
    assert "microphone: input overflow, some sound may be lost" in caplog.text


def test_a_silent_device_is_named(
    play: Callable[..., Sounddevice], samples: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(microphone, "STALLED_SECONDS", 0.5)
    play(samples[:0])
    with pytest.raises(MicrophoneError, match=r"the system's microphone: gave no sound for 0.5 s, expected samples"):
        list(microphone.listen())


def test_judging_that_falls_behind_is_told_once(
    play: Callable[..., Sounddevice], caplog: pytest.LogCaptureFixture, samples: np.ndarray
) -> None:
    played = threading.Event()
    play(samples, at_end=played.set)
    pieces = microphone.listen(seconds=8)
    next(pieces)
    assert played.wait(10)
    assert sum(map(len, pieces)) == 8 * RATE_HERTZ - RATE_HERTZ // 10
    assert caplog.text.count("judging is slower than the sound comes: 5 s wait") == 1


def test_without_a_device_what_was_found_is_named(
    play: Callable[..., Sounddevice], capsys: pytest.CaptureFixture[str], network: Path, samples: np.ndarray
) -> None:
    play(samples)
    code, printed, errors = record(capsys, "--model", network, "--device", "9")
    assert (code, printed) == (1, "")
    assert (
        errors == "microphone 9: is no input device (No input device matching 9); found the input devices ['1 Built-in', '2 Headset'], "
        "expected one of them\n"
    )
    play(samples, names=())
    code, printed, errors = record(capsys, "--model", network)
    assert (code, printed) == (1, "")
    assert (
        errors == "the system's microphone: is no input device (Error querying device -1); found no input device, expected a microphone\n"
    )


def test_a_device_that_cannot_be_opened_is_named_and_leaves_no_file(
    play: Callable[..., Sounddevice], capsys: pytest.CaptureFixture[str], network: Path, samples: np.ndarray, tmp_path: Path
) -> None:
    module = play(samples)

    def busy(**_: object) -> None:
        raise PortAudioError("Device unavailable")

    module.InputStream = busy
    code, _, errors = record(capsys, "--model", network, "--save", tmp_path / "a.wav")
    assert code == 1 and "the system's microphone: cannot be listened to (Device unavailable); found the input devices" in errors
    assert not (tmp_path / "a.wav").exists()


def test_without_the_package_or_portaudio_it_is_said_what_to_install(
    capsys: pytest.CaptureFixture[str], network: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert record(capsys, "--model", network) == (1, "", "listening needs the package sounddevice: pip install 'ser_acrnn[record]'\n")
    monkeypatch.delitem(sys.modules, "sounddevice")
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.syspath_prepend(tmp_path)
    code, _, errors = record(capsys, "--model", network)
    assert code == 1 and "needs the PortAudio library (PortAudio library not found)" in errors and "libportaudio2" in errors


def test_no_file_is_overwritten_and_an_impossible_one_is_named(
    play: Callable[..., Sounddevice], capsys: pytest.CaptureFixture[str], network: Path, samples: np.ndarray, tmp_path: Path
) -> None:
    play(samples)
    (tmp_path / "a.wav").write_text("precious")
    code, _, errors = record(capsys, "--model", network, "--save", tmp_path / "a.wav")
    assert code == 1 and errors.endswith("a.wav: exists, expected a new file to record to\n")
    assert (tmp_path / "a.wav").read_text() == "precious"
    for name in ("a.docx", "none/a.wav"):
        code, _, errors = record(capsys, "--model", network, "--save", tmp_path / name)
        assert code == 1 and f"{tmp_path / name}: cannot be written (" in errors


def test_a_network_of_speakers_asks_for_recordings_of_one(
    play: Callable[..., Sounddevice], capsys: pytest.CaptureFixture[str], network: Path, samples: np.ndarray, tmp_path: Path
) -> None:
    play(samples)
    speaker = network.with_name("speaker.keras")
    code, _, errors = record(capsys, "--model", speaker, "--seconds", 3.1)
    assert code == 1 and "expected --enrol and recordings of the speaker" in errors
    soundfile.write(tmp_path / "a.wav", samples, RATE_HERTZ)
    code, printed, _ = record(capsys, "--model", speaker, "--seconds", 3.1, "--enrol", tmp_path / "a.wav")
    assert code == 0 and printed.startswith("microphone 0.0-3.0 s: ")
