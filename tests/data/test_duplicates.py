"""The same audio is found whatever was done to it, and different utterances are not taken for the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy import signal

from ser_acrnn import audio
from ser_acrnn.data import duplicates
from ser_acrnn.data.corpus import CorpusError, Utterance
from ser_acrnn.data.duplicates import fingerprint, similarity
from ser_acrnn.evaluation.protocol import LeakError

RATE = 16_000
Write = Callable[..., list[Path]]


def through(samples: np.ndarray, **file: object) -> np.ndarray:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, **file)
    buffer.seek(0)
    found, rate = soundfile.read(buffer, dtype="float32")
    return audio.files.to_mono(found, rate)


def by_way_of(samples: np.ndarray, rate: int) -> np.ndarray:
    return audio.files.to_mono(audio.files.to_mono(samples, RATE, rate), rate)


def silence(milliseconds: int) -> np.ndarray:
    return np.zeros(RATE * milliseconds // 1_000, np.float32)


COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "quieter": lambda samples: 0.03 * samples,
    "inverted": lambda samples: -samples,
    "rounded": lambda samples: through(0.1 * samples, format="WAV", subtype="PCM_U8"),
    "FLAC": lambda samples: through(samples, format="FLAC"),
    "MP3": lambda samples: through(samples, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.63, bitrate_mode="CONSTANT"),
    "Opus": lambda samples: through(samples, format="OGG", subtype="OPUS"),
    "8 kHz": lambda samples: by_way_of(samples, 8_000),
    "44.1 kHz": lambda samples: by_way_of(samples, 44_100),
    "50 ms off its start": lambda samples: samples[800:],
    "300 ms off its start": lambda samples: samples[4_800:],
    "300 ms off its end": lambda samples: samples[:-4_800],
    "300 ms off both ends": lambda samples: samples[4_800:-4_800],
    "50 ms before": lambda samples: np.concatenate([silence(50), samples]),
    "300 ms after": lambda samples: np.concatenate([samples, silence(300)]),
    "all at once": lambda samples: through(
        -0.2 * np.concatenate([silence(217), samples[1_601:]]), format="OGG", subtype="VORBIS", compression_level=0.5
    ),
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, write_corpus: Write) -> list[np.ndarray]:
    """24 of four speakers, 1.7 to 7 s long."""
    return [audio.load(path) for path in write_corpus(tmp_path_factory.mktemp("short"), "TFNAL") if path.stem[5] != "W"]


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
def test_a_copy_is_found(recordings: list[np.ndarray], change: Callable[[np.ndarray], np.ndarray]) -> None:
    for samples in recordings[:5]:
        copy = change(samples)
        assert fingerprint(samples, RATE) @ fingerprint(copy, RATE) > 1.5 * duplicates.LEAST_FINGERPRINTS
        assert similarity(samples, copy) > 0.8 and similarity(copy, samples) == pytest.approx(similarity(samples, copy))


def test_different_recordings_are_no_copies(recordings: list[np.ndarray]) -> None:
    found = np.stack([fingerprint(samples, RATE) for samples in recordings])
    np.testing.assert_allclose(np.diag(found @ found.T), 1, rtol=1e-5)
    assert np.triu(found @ found.T, 1).max() < duplicates.LEAST_FINGERPRINTS
    assert max(similarity(recordings[0], other) for other in recordings[1:]) < duplicates.LEAST_WAVEFORMS


def test_a_hum_that_all_recordings_share_makes_no_copies(recordings: list[np.ndarray]) -> None:
    one, other = (samples[: len(recordings[0])] / np.std(samples) for samples in (recordings[0], recordings[5]))
    hum = np.sin(2 * np.pi * 50 * np.arange(len(one)) / RATE) + np.sin(2 * np.pi * 150 * np.arange(len(one)) / RATE)
    assert similarity(one + 4 * hum, other + 4 * hum) > duplicates.LEAST_WAVEFORMS
    assert fingerprint(one + 4 * hum, RATE) @ fingerprint(other + 4 * hum, RATE) < duplicates.LEAST_FINGERPRINTS


@pytest.mark.parametrize("samples", [1, 100, 4_800])
def test_very_short_recordings_have_a_fingerprint(samples: int) -> None:
    noise = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    assert np.isfinite(fingerprint(noise, RATE)).all() and similarity(noise, noise) == pytest.approx(1)
    assert similarity(noise, np.zeros(samples, np.float32)) == 0


def test_in_the_published_corpus_all_copies_and_nothing_else_are_found(emodb_directory: Path) -> None:
    utterances = [Utterance(path.stem, path, path.stem, "") for path in sorted((emodb_directory / "wav").glob("*.wav"))]
    every = [fingerprint(audio.load(one.path), RATE) for one in utterances]
    assert duplicates.find(utterances, every, RATE) == []
    assert np.triu(np.stack(every) @ np.stack(every).T, 1).max() < 0.7 * duplicates.LEAST_FINGERPRINTS
    for place in range(0, len(utterances), 40):
        samples = audio.load(utterances[place].path)
        for name, change in COPIES.items():
            copy = change(samples)
            agree = np.stack(every) @ fingerprint(copy, RATE)
            assert np.flatnonzero(agree > duplicates.LEAST_FINGERPRINTS).tolist() == [place], (utterances[place].id, name)
            assert similarity(samples, copy) > duplicates.LEAST_WAVEFORMS


@pytest.fixture
def corpus(tmp_path: Path, write_corpus: Write) -> list[Utterance]:
    """Six recordings of three speakers."""
    paths = write_corpus(tmp_path, "WT", ("03", "08", "09"))
    return [Utterance(path.stem, path, path.stem[:2], "sad" if path.stem[5] == "T" else "angry") for path in paths]


def with_copy(corpus: list[Utterance], speaker: str, emotion: str, name: str = "copy.flac") -> tuple[list[Utterance], list[np.ndarray]]:
    """The corpus with a quieter copy of its second recording, and its fingerprints."""
    copy = replace(corpus[1], id=name, path=corpus[1].path.with_name(name), speaker=speaker, emotion=emotion)
    soundfile.write(copy.path, 0.5 * audio.load(corpus[1].path)[500:], RATE)
    every = [*corpus, copy]
    return every, [fingerprint(audio.load(one.path), RATE) for one in every]


def test_a_leak_names_both_files_both_speakers_and_how_alike_they_are(corpus: list[Utterance]) -> None:
    found = duplicates.find(*with_copy(corpus, "09", "sad"), RATE)
    assert [(one.first.id, one.second.id, one.is_leak) for one in found] == [("03a01Ta", "copy.flac", True)]
    expected = (
        r"^mine: .*03a01Ta\.wav \(speaker '03', 'sad'\) and .*copy\.flac \(speaker '09', 'sad'\) are the same audio \(correlation 1\.00\)"
    )
    with pytest.raises(LeakError, match=expected):
        duplicates.refuse("mine", found)


def test_two_emotions_of_one_audio_are_no_leak_but_refused(corpus: list[Utterance]) -> None:
    found = duplicates.find(*with_copy(corpus, "03", "angry"), RATE)
    with pytest.raises(CorpusError, match=r"\(speaker '03', 'sad'\) and .*copy\.flac \(speaker '03', 'angry'\) are the same audio"):
        duplicates.refuse("mine", found)


def test_a_copy_under_the_same_speaker_and_emotion_is_noted(corpus: list[Utterance], caplog: pytest.LogCaptureFixture) -> None:
    assert duplicates.find(*with_copy(corpus, "03", "sad"), RATE) == []
    (message,) = caplog.messages
    assert message.startswith("1 pairs of recordings are the same audio of one speaker and emotion, such as ") and "copy.flac" in message
    duplicates.refuse("mine", [])


def test_a_corpus_is_compared_in_blocks_as_in_one(corpus: list[Utterance], monkeypatch: pytest.MonkeyPatch) -> None:
    every, prints = with_copy(corpus, "09", "angry")
    whole = duplicates.find(every, prints, RATE)
    monkeypatch.setattr(duplicates, "_ROWS", 2)
    assert duplicates.find(every, prints, RATE) == whole and len(whole) == 1
    assert duplicates.find([], [], RATE) == []


def test_a_part_of_a_recording_is_found(recordings: list[np.ndarray]) -> None:
    half = recordings[4][: len(recordings[4]) // 2]
    assert fingerprint(recordings[4], RATE) @ fingerprint(half, RATE) > duplicates.LEAST_FINGERPRINTS
    assert similarity(recordings[4], half) > 0.99
    assert similarity(recordings[4], signal.lfilter([1, -0.9], 1, half).astype(np.float32)) > duplicates.LEAST_WAVEFORMS
