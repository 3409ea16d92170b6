"""What a network hears of a recording: the same segments as in training, whatever it is normalised by and however it comes."""

import numpy as np
import pytest
import soundfile

from ser_acrnn import features
from ser_acrnn.audio.files import AudioError
from ser_acrnn.config import FEATURE_RECIPES
from ser_acrnn.features.normalisation import normalise, statistics_of
from ser_acrnn.inference.preprocessor import Preprocessor, Utterance

RECIPE = FEATURE_RECIPES["paper"]
NOISE = 0.1 * np.random.default_rng(0).normal(size=16_000 * 70).astype("f")


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("scope", ["training", "segment", "utterance", "speaker"])
def test_segments_are_those_of_training(scope, channels):
    listener, samples = Preprocessor("mine", RECIPE, channels, scope), NOISE[: 16_000 * 7]
    log_mels = features.log_mels_3d(samples)[..., :channels]
    own = statistics_of([log_mels])
    known = {"speaker": (own[0] + 1, 2 * own[1]), "utterance": own}
    listener.speaker = known["speaker"] if scope == "speaker" else None
    expected = normalise(log_mels, known[scope]) if scope in known else log_mels
    np.testing.assert_array_equal(listener.segments(samples), features.segment(expected))
    assert listener.segments(samples).shape == (3, 300, 40, channels)


def test_a_speaker_has_to_be_named_before_segments_are_cut():
    listener = Preprocessor("mine", RECIPE, 3, "speaker")
    for cut in (listener.segments, lambda samples: next(listener.window_segments([samples]))):
        with pytest.raises(ValueError, match="mine: normalises by the speaker's own audio, expected `enrol`"):
            cut(NOISE[:16_000])


def test_samples_and_files_of_any_rate_are_heard_alike(tmp_path):
    listener, path = Preprocessor("mine", RECIPE, 3, "training"), tmp_path / "stereo.flac"
    soundfile.write(path, np.stack([NOISE[:24_000], NOISE[:24_000]], axis=1), 8_000)
    read = soundfile.read(path)[0]
    np.testing.assert_array_equal(listener.waveform(path), listener.waveform(read, 8_000))
    assert listener.waveform(path).shape == (48_000,)
    assert np.concatenate(list(listener.pieces(path))).shape == (48_000,)
    np.testing.assert_array_equal(next(listener.pieces(read, 8_000)), listener.waveform(read, 8_000))


@pytest.mark.parametrize(("seconds", "rate", "long"), [(59.9, None, False), (60.1, None, True), (60.1, 32_000, False)])
def test_a_recording_of_more_than_a_minute_is_long(tmp_path, seconds, rate, long):
    samples = NOISE[: round(seconds * 16_000)]
    soundfile.write(tmp_path / "some.wav", samples, rate or 16_000)
    listener = Preprocessor("mine", RECIPE, 3, "training")
    for recording, its in ((samples, rate), (tmp_path / "some.wav", None)):
        with listener.opened(recording, its) as found:
            assert isinstance(found, Utterance) is not long
            if long:
                assert sum(map(len, found)) == pytest.approx(len(samples) * 16_000 / (rate or 16_000), abs=1)


def test_flawed_windows_are_not_heard():
    samples = NOISE[: 16_000 * 9].copy()
    samples[16_000 * 3 : 16_000 * 7] = 0
    listener = Preprocessor("mine", RECIPE, 3, "utterance")
    starts = [start for start, window in listener.windows([samples], 1.0) if not listener.flaw(window)]
    assert starts == [0, 16_000, 32_000, 64_000, 80_000, 95_760]
    heard = list(listener.window_segments([samples]))
    assert len(heard) == 6
    np.testing.assert_allclose(heard[0], listener.segments(samples[: RECIPE.segment_samples])[0])
    assert "is silent" in listener.flaw(samples[16_000 * 4 : 16_000 * 6])


def test_recordings_that_cannot_be_used_have_no_part(tmp_path):
    listener, left_out = Preprocessor("mine", RECIPE, 1, "training"), []
    heard = listener.voices([NOISE[:16_000], np.zeros(16_000), NOISE, tmp_path / "none.wav"], leave_out=left_out.append)
    # one of a second; 70 s are 23 windows of 3 s and a last one
    assert [len(values) for values in heard] == [99] + 24 * [300]
    assert [type(error) for error in left_out] == [AudioError, AudioError]
    assert "is silent" in str(left_out[0]) and "none.wav: no such file" in str(left_out[1])
