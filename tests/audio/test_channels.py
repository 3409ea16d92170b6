"""Channels that cancel each other out are told from those that do not, in files and arrays alike."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from ser_acrnn import audio

RATE_HERTZ = 16_000
VOICE = (0.3 * np.random.default_rng(0).normal(size=3 * RATE_HERTZ)).clip(-1, 1).astype(np.float32)
FAINT = 1e-4 * np.random.default_rng(1).normal(size=len(VOICE)).astype(np.float32)
NOTE = "its channels cancel each other out, one has the opposite polarity: channel"


def stereo_file(*channels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack(channels, axis=1), RATE_HERTZ, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


@pytest.mark.parametrize("residue", [0, 1], ids=["alike", "with noise in one"])
@pytest.mark.parametrize("offset", [0, 0.2], ids=["", "with an offset"])
def test_of_inverted_channels_the_louder_is_taken_and_said(residue: float, offset: float, caplog: pytest.LogCaptureFixture) -> None:
    other = offset - VOICE + residue * FAINT
    for read in (audio.load, lambda data: np.concatenate(list(audio.stream(data, block_seconds=0.5)))):
        caplog.clear()
        found = read(stereo_file(VOICE, other))
        assert np.corrcoef(np.abs(found), np.abs(VOICE))[0, 1] > 0.98 if not offset else abs(np.corrcoef(found, VOICE)[0, 1]) > 0.999
        assert caplog.text.count(NOTE) == 1
    caplog.clear()
    np.testing.assert_array_equal(audio.to_mono(np.stack([VOICE, 0.9 * -VOICE], axis=1), RATE_HERTZ), VOICE)
    assert NOTE in caplog.text


def test_other_channels_are_averaged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    room = np.random.default_rng(2).normal(size=len(VOICE)).astype(np.float32)
    for channels in ((VOICE, VOICE), (VOICE, 0 * VOICE), (VOICE, room), (VOICE + room, VOICE - room), (VOICE, -0.3 * VOICE), (VOICE,) * 6):
        found = audio.load(stereo_file(*channels))
        np.testing.assert_allclose(found, np.mean(channels, axis=0), atol=1e-6)
    assert not caplog.text


def test_each_of_joined_files_has_its_own_channels() -> None:
    mono, inverted = stereo_file(VOICE), stereo_file(VOICE, -VOICE)
    found = audio.load(inverted + mono)
    np.testing.assert_array_equal(found, np.tile(VOICE, 2))


def test_silence_before_inverted_speech_decides_nothing(caplog: pytest.LogCaptureFixture) -> None:
    begin = np.zeros(RATE_HERTZ, np.float32)
    late = np.concatenate([begin, VOICE])
    found = np.concatenate(list(audio.stream(stereo_file(late, -late), block_seconds=0.5)))
    np.testing.assert_allclose(np.abs(found), np.abs(late), atol=1e-6)
    assert caplog.text.count(NOTE) == 1


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_polarity_may_change_on_the_way(share: float, caplog: pytest.LogCaptureFixture) -> None:
    begin = round(share * len(VOICE))
    other = np.concatenate([VOICE[:begin], -VOICE[begin:]])
    for channels in ((VOICE, other), (VOICE, -other)):
        caplog.clear()
        np.testing.assert_array_equal(np.abs(audio.load(stereo_file(*channels))), np.abs(VOICE))
        assert caplog.text.count(NOTE) == 1


def test_what_cancels_out_in_pauses_alone_is_averaged(caplog: pytest.LogCaptureFixture) -> None:
    spoken = VOICE * np.repeat([1, 0, 1], RATE_HERTZ).astype(np.float32)
    found = audio.load(stereo_file(spoken + FAINT, spoken - FAINT))
    np.testing.assert_allclose(found, spoken, atol=1e-6)
    assert not caplog.text


@pytest.mark.parametrize("quiet_seconds", [1, 12])
def test_what_hums_in_a_pause_before_speech_decides_nothing(quiet_seconds: int, caplog: pytest.LogCaptureFixture) -> None:
    hum = 0.001 * np.random.default_rng(3).normal(size=quiet_seconds * RATE_HERTZ).astype(np.float32)
    left, right = np.concatenate([hum, VOICE]), np.concatenate([-1.05 * hum, 0.03 * FAINT])
    expected = (left + right) / 2
    for block_seconds in (0.02, 0.5, 10.0):
        np.testing.assert_allclose(read_in_blocks(left, right, block_seconds), expected, atol=1e-6)
    np.testing.assert_allclose(audio.to_mono(np.stack([left, right], axis=1), RATE_HERTZ), expected, atol=1e-6)
    assert not caplog.text


def test_a_pause_after_the_first_minute_decides_nothing_and_inverted_speech_does(caplog: pytest.LogCaptureFixture) -> None:
    minute = np.tile(VOICE, 21)
    hum = 0.001 * np.random.default_rng(3).normal(size=12 * RATE_HERTZ).astype(np.float32)
    np.testing.assert_allclose(
        read_in_blocks(np.concatenate([minute, hum, VOICE]), np.concatenate([minute, -hum, VOICE]), 10.0),
        np.concatenate([minute, 0 * hum, VOICE]),
        atol=1e-6,
    )
    assert not caplog.text
    both = np.concatenate([minute, minute[: 20 * RATE_HERTZ]])
    inverted = np.concatenate([minute, -minute[: 20 * RATE_HERTZ]])
    np.testing.assert_allclose(np.abs(read_in_blocks(both, inverted, 10.0)[-8 * RATE_HERTZ :]), np.abs(both[-8 * RATE_HERTZ :]), atol=1e-6)
    assert caplog.text.count(NOTE) == 1


def read_in_blocks(left: np.ndarray, right: np.ndarray, seconds: float) -> np.ndarray:
    return np.concatenate(list(audio.stream(stereo_file(left, right), block_seconds=seconds)))
