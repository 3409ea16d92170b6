"""A saved network judges recordings as the training run judged its segments."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import soundfile
from networks import trained_on_other_voices

from ser_acrnn import audio, features
from ser_acrnn.audio.files import AudioError
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig
from ser_acrnn.features.tempo import at_tempo
from ser_acrnn.inference.keras_network import KerasNetwork
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.inference.speaker_adaptation import SpeakerBatchNorm
from ser_acrnn.models.networks import acrnn

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

SMALL = ModelConfig(emotions=("angry", "sad", "happy"), conv=((4, 4, 4),), linear_units=8, blstm_units=4, embedding_units=8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("predictor") / "model.keras"
    network = acrnn(SMALL, recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
    network.get_layer("normalise").set_statistics(np.full((40, 3), -5.0), np.full((40, 3), 4.0))
    network.save(path)
    return path


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "recording.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(1).normal(size=16_000 * 7), 16_000)
    return path


def test_the_decision_is_the_maximum_over_segments(model, recording):
    prediction = Predictor(model).predict(recording)
    network = keras.saving.load_model(model)
    maxima = network.predict_on_batch(features.segment(features.log_mels_3d(audio.load(recording)))).max(axis=0)
    assert len(prediction.segments) == 3
    assert prediction.emotion == SMALL.emotions[int(maxima.argmax())]
    np.testing.assert_allclose(list(prediction.posteriors.values()), maxima / maxima.sum(), atol=1e-5)
    assert sum(prediction.posteriors.values()) == pytest.approx(1)


def test_at_several_tempos_the_posteriors_are_the_mean_and_the_attention_is_as_spoken(model, recording):
    predictor, plain = Predictor(model, tempos=(0.9, 1, 1.1)), Predictor(model)
    network = keras.saving.load_model(model)
    segments = plain.preprocessor.segments(recording)
    expected = np.mean([network.predict_on_batch(at_tempo(segments, tempo)) for tempo in (0.9, 1, 1.1)], axis=0)
    found, before = predictor.predict(recording), plain.predict(recording)
    np.testing.assert_allclose([list(piece.posteriors.values()) for piece in found.segments], expected, atol=1e-5)
    np.testing.assert_allclose(list(found.posteriors.values()), expected.max(axis=0) / expected.max(axis=0).sum(), atol=1e-5)
    assert [piece.attention for piece in found.segments] == [piece.attention for piece in before.segments]
    assert [piece.posteriors for piece in found.segments] != [piece.posteriors for piece in before.segments]
    assert [moment.posteriors for moment in predictor.timeline(recording)] != [moment.posteriors for moment in plain.timeline(recording)]


def test_samples_of_another_rate_and_stereo_are_converted(model, recording):
    predictor = Predictor(model)
    samples, _ = soundfile.read(recording)
    from_file = predictor.predict(recording)
    from_stereo = predictor.predict(np.stack([samples, samples], axis=1), 16_000)
    np.testing.assert_allclose(list(from_stereo.posteriors.values()), list(from_file.posteriors.values()), atol=1e-4)
    assert len(predictor.predict(samples, 48_000).segments) == 1


def test_a_recording_that_cannot_be_used_is_named(model, tmp_path):
    with pytest.raises(AudioError, match=r"silent.wav.*silent"):
        soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 16_000)
        Predictor(model).predict(tmp_path / "silent.wav")


def test_networks_of_others_or_of_unknown_features_are_refused(tmp_path):
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    other.save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="is not a network of ser_acrnn"):
        Predictor(tmp_path / "other.keras")
    acrnn(SMALL, recipe_hash="feed").save(tmp_path / "feed.keras")
    with pytest.raises(ValueError, match="recipe 'feed', expected one of"):
        Predictor(tmp_path / "feed.keras")
    with pytest.raises(ValueError, match="no such file"):
        Predictor(tmp_path / "nothing.keras")


def standardising_model(tmp_path, scope):
    path = tmp_path / f"{scope}.keras"
    network = acrnn(replace(SMALL, normalisation=scope), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
    trained_on_other_voices(network).save(path)
    return path


def test_an_enrolled_speaker_is_judged_by_their_own_statistics(tmp_path, recording):
    other = tmp_path / "other.wav"
    soundfile.write(other, 0.3 * np.cumsum(np.random.default_rng(2).normal(size=32_000)) / 100, 16_000)
    predictor = Predictor(standardising_model(tmp_path, "speaker"))
    with pytest.raises(ValueError, match=r"speaker\.keras: normalises by the speaker's own audio, expected `enrol`"):
        predictor.predict(recording)
    with pytest.raises(ValueError, match="there is no utterance"):
        predictor.enrol([])
    predictor.enrol([recording, other], adapt=False)
    values = [features.log_mels_3d(soundfile.read(path, dtype="float32")[0]) for path in (recording, other)]
    frames = np.concatenate(values)
    standard = (values[0] - frames.mean(axis=0)) / frames.std(axis=0)
    maxima = predictor.model.predict_on_batch(features.segment(standard.astype("f"))).max(axis=0)
    np.testing.assert_allclose(list(predictor.predict(recording).posteriors.values()), maxima / maxima.sum(), atol=1e-4)


def test_an_utterance_can_be_judged_by_its_own_statistics(tmp_path, recording):
    predictor, values = Predictor(standardising_model(tmp_path, "utterance")), features.log_mels_3d(audio.load(recording))
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    maxima = predictor.model.predict_on_batch(features.segment(standard)).max(axis=0)
    np.testing.assert_allclose(list(predictor.predict(recording).posteriors.values()), maxima / maxima.sum(), atol=1e-4)


def test_a_network_that_normalises_segments_is_given_them_as_they_are(tmp_path, recording):
    segments = Predictor(standardising_model(tmp_path, "segment")).preprocessor.segments(recording)
    np.testing.assert_array_equal(segments, features.segment(features.log_mels_3d(audio.load(recording))))


def test_nobody_is_enrolled_where_it_would_change_nothing(tmp_path, model, recording):
    rigid = acrnn(replace(SMALL, batch_norm=()), recipe_hash=FEATURE_RECIPES["paper"].recipe_hash)
    rigid.save(tmp_path / "rigid.keras")
    with pytest.raises(ValueError, match="normalises by the training statistics, expected batch norm that adapts to a speaker"):
        Predictor(tmp_path / "rigid.keras").enrol([recording])
    with pytest.raises(ValueError, match="normalises by the training statistics and adapt is False, expected one of both to hear"):
        Predictor(model).enrol([recording], adapt=False)
    with pytest.raises(ValueError, match="nothing was heard of the speaker"):
        Predictor(model).enrol([])


@pytest.mark.parametrize("scope", ["training", "utterance", "speaker"])
def test_batch_norm_takes_the_statistics_of_the_speaker(tmp_path, recording, scope):
    other = tmp_path / "other.wav"
    soundfile.write(other, 0.3 * np.cumsum(np.random.default_rng(2).normal(size=32_000)) / 100, 16_000)
    predictor = Predictor(standardising_model(tmp_path, scope), tempos=(0.9, 1.0))
    if scope == "speaker":
        predictor.enrol([recording, other], adapt=False)
    heard = np.concatenate([predictor.preprocessor.segments(path) for path in (recording, other)])
    trained = keras.models.clone_model(predictor.model)
    trained.set_weights(predictor.model.get_weights())
    before = predictor.predict(recording).posteriors
    predictor.enrol(path for path in (recording, other))
    adapted = predictor.predict(recording).posteriors
    SpeakerBatchNorm(KerasNetwork(trained, 40)).adapt(lambda: [heard], (0.9, 1.0))
    for mine, expected in zip(predictor.model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-4)
    by_hand = Predictor(trained, tempos=(0.9, 1.0))
    by_hand.preprocessor.speaker = predictor.preprocessor.speaker
    np.testing.assert_allclose(list(adapted.values()), list(by_hand.predict(recording).posteriors.values()), atol=1e-4)
    assert max(abs(adapted[emotion] - before[emotion]) for emotion in before) > 5e-3, "the example's voices are too much alike"
    if scope == "speaker":
        predictor.enrol([recording, other], adapt=False)
        assert predictor.predict(recording).posteriors == before


def test_a_network_that_was_handed_over_stays_as_it_is_when_a_speaker_is_enrolled(model, recording):
    network = keras.saving.load_model(model)
    before, predictor, other = network.get_weights(), Predictor(network), Predictor(network)
    predictor.enrol([recording])
    for mine, was in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, was)
    expected = Predictor(model)
    plain = expected.predict(recording)
    expected.enrol([recording])
    assert predictor.predict(recording) == expected.predict(recording) != plain == other.predict(recording)


def test_a_recording_is_opened_once(model, tmp_path, monkeypatch):
    opened, open_source = [], audio.sources.opened
    for seconds in (7, 65):
        soundfile.write(tmp_path / f"{seconds}.wav", 0.1 * np.random.default_rng(1).normal(size=16_000 * seconds), 16_000)
    predictor = Predictor(model)
    monkeypatch.setattr(audio.sources, "opened", lambda recording: opened.append(recording.name) or open_source(recording))
    assert [len(found.segments) for found in predictor.predict_many([tmp_path / "7.wav", tmp_path / "65.wav"])] == [3, 63]
    assert opened == ["7.wav", "65.wav"]


def test_a_segment_has_its_place_its_posteriors_and_its_attention(model, recording):
    predictor = Predictor(model)
    prediction = predictor.predict(recording)
    assert [(piece.start_seconds, piece.end_seconds) for piece in prediction.segments] == [(0, 3), (3, 6), (pytest.approx(3.99), 7)]
    for piece in prediction.segments:
        assert sum(piece.posteriors.values()) == pytest.approx(1) and sum(piece.attention) == pytest.approx(1, abs=1e-4)
        assert len(piece.attention) == 75 and piece.emotion in SMALL.emotions
    maxima = [max(piece.posteriors[emotion] for piece in prediction.segments) for emotion in SMALL.emotions]
    np.testing.assert_allclose(list(prediction.posteriors.values()), np.array(maxima) / sum(maxima), atol=1e-6)
    seconds, weights = prediction.attention()
    assert prediction.step_seconds == pytest.approx(0.04) and len(seconds) == len(weights) == 175
    np.testing.assert_allclose(np.diff(seconds), 0.04)
    assert seconds[0] == pytest.approx(0.02) and seconds[-1] < 7
    np.testing.assert_allclose(weights[:75], prediction.segments[0].attention)


def test_live_audio_is_judged_as_the_same_recording(model):
    predictor = Predictor(model)
    samples = 0.1 * np.random.default_rng(3).normal(size=16_000 * 8).astype("f")
    expected = list(predictor.timeline(samples, hop_seconds=0.5))
    heard = []

    def microphone():
        for start in range(0, len(samples), 1_234):
            heard.append(min(start + 1_234, len(samples)))
            yield samples[start : start + 1_234]

    for number, piece in enumerate(predictor.predict_stream(microphone(), hop_seconds=0.5)):
        assert (piece.start_seconds, piece.end_seconds) == (expected[number].start_seconds, expected[number].end_seconds)
        assert heard[-1] - piece.end_seconds * 16_000 < 1_234  # no later than the chunk that completes the window
        np.testing.assert_allclose(list(piece.posteriors.values()), list(expected[number].posteriors.values()), atol=1e-5)
        np.testing.assert_allclose(piece.attention, expected[number].attention, atol=1e-5)
    assert number == len(expected) - 1 == 10
    assert expected[-1].end_seconds == 8


def test_a_window_is_a_recording_of_its_own(model, recording):
    predictor = Predictor(model)
    samples, _ = soundfile.read(recording, dtype="float32")
    first, second, *_ = predictor.timeline(recording)
    alone = predictor.predict(samples[16_000 : 16_000 + 48_240])
    assert (first.start_seconds, second.start_seconds) == (0, 1)
    np.testing.assert_allclose(list(second.posteriors.values()), list(alone.posteriors.values()), atol=1e-5)


def test_flawed_windows_are_named_and_the_others_judged(model):
    predictor = Predictor(model)
    samples = 0.1 * np.random.default_rng(3).normal(size=16_000 * 12).astype("f")
    samples[16_000 * 4 : 16_000 * 8] = 0
    samples[16_000 * 9] = np.nan
    pieces = list(predictor.predict_stream([samples]))
    assert pieces[0].emotion in SMALL.emotions and not pieces[0].flaw
    silent = next(piece for piece in pieces if piece.start_seconds == 4)
    assert silent.emotion is None and silent.posteriors == {} and "is silent" in silent.flaw
    assert "NaN" in next(piece for piece in pieces if piece.start_seconds == 7).flaw
    with pytest.raises(ValueError, match=r"a chunk has the shape \(4, 2\)"):
        list(predictor.predict_stream([np.zeros((4, 2))]))
    with pytest.raises(ValueError, match=r"a chunk is a tuple of unequal parts, expected \(samples,\): mono at 16 kHz"):
        list(predictor.predict_stream([(samples, 48_000)]))
    assert list(predictor.predict_stream([samples[:, None]])) == pieces  # as sounddevice hands them on


def test_a_long_recording_is_the_mean_of_its_windows_at_any_rate(model, tmp_path):
    predictor = Predictor(model)
    samples = 0.1 * np.random.default_rng(3).normal(size=8_000 * 70)
    soundfile.write(tmp_path / "long.wav", np.stack([samples, samples], axis=1), 8_000)
    prediction = predictor.predict(tmp_path / "long.wav")
    pieces = list(predictor.timeline(tmp_path / "long.wav"))
    assert prediction.segments == tuple(pieces) and len(pieces) == 68
    assert pieces[-1].end_seconds == pytest.approx(70, abs=0.01)
    mean = np.mean([list(piece.posteriors.values()) for piece in pieces], axis=0)
    np.testing.assert_allclose(list(prediction.posteriors.values()), mean, atol=1e-6)
    resampled = predictor.timeline(audio.load(tmp_path / "long.wav"))
    for piece, other in zip(pieces[:10], resampled, strict=False):
        np.testing.assert_allclose(list(piece.posteriors.values()), list(other.posteriors.values()), atol=1e-5)
    soundfile.write(tmp_path / "still.wav", np.zeros(16_000 * 70), 16_000)
    with pytest.raises(AudioError, match=r"still\.wav: no window can be judged, the first because it is silent"):
        predictor.predict(tmp_path / "still.wav")


@pytest.fixture
def many(tmp_path):
    """Recordings of 1 to 70 s, with bad ones between them, and samples."""
    rng, paths = np.random.default_rng(5), []
    for number, seconds in enumerate((1, 7, 0, 4, 70, 2.5, 30, 50, 1, 20)):
        paths.append(tmp_path / f"{number}.wav")
        soundfile.write(paths[-1], 0.1 * rng.normal(size=round(16_000 * seconds)), 16_000)
    paths.insert(5, tmp_path / "none.wav")
    soundfile.write(tmp_path / "still.wav", np.zeros(16_000 * 65), 16_000)
    return [*paths, tmp_path / "still.wav", 0.1 * rng.normal(size=16_000 * 9)]


def test_many_recordings_in_common_batches_are_judged_as_one_by_one(model, many, monkeypatch):
    predictor, sizes, expected = Predictor(model, batch_segments=40), [], []
    for recording in many:
        try:
            expected.append(predictor.predict(recording))
        except AudioError as error:
            expected.append(error)
    network = predictor.network._with_attention
    score = network.predict_on_batch
    monkeypatch.setattr(network, "predict_on_batch", lambda batch: sizes.append((batch != 0).any(axis=(1, 2, 3)).sum()) or score(batch))
    found = list(predictor.predict_many(iter(many)))
    assert [type(one) for one in found] == [type(one) for one in expected]
    assert [number for number, one in enumerate(found) if isinstance(one, AudioError)] == [2, 5, 11]
    for one, other in zip(found, expected, strict=True):
        if isinstance(one, AudioError):
            assert str(one) == str(other)
            continue
        assert one.emotion == other.emotion and len(one.segments) == len(other.segments)
        np.testing.assert_allclose(list(one.posteriors.values()), list(other.posteriors.values()), atol=1e-5)
        for piece, same in zip(one.segments, other.segments, strict=True):
            assert (piece.start_seconds, piece.end_seconds) == (same.start_seconds, same.end_seconds)
            np.testing.assert_allclose(piece.attention, same.attention, atol=1e-5)
    # 1 + 3 + 2 + 1 + 10 + 17 + 1 + 7 + 3 segments, and 68 windows of 70 s
    assert sorted(sizes) == sorted([40, 5, 40, 28])


def test_the_size_of_a_batch_changes_nothing(model, many):
    found = [Predictor(model, batch_segments=size).predict(many[1]) for size in (1, 2, 40)]
    for other in found[1:]:
        np.testing.assert_allclose(list(other.posteriors.values()), list(found[0].posteriors.values()), atol=1e-5)
    for size in (0, 1.5, np.nan, "8", None):
        with pytest.raises(ValueError, match=f"batch_segments is {size!r}, expected a whole number of 1 or more"):
            Predictor(model, batch_segments=size)


def test_the_first_of_many_comes_before_the_last_is_read(model, recording):
    read = []

    def recordings():
        for number in range(100):
            read.append(number)
            yield recording

    assert next(Predictor(model, batch_segments=40).predict_many(recordings())).emotion in SMALL.emotions
    assert len(read) == 14  # of three segments each, for a batch of 40


def test_live_audio_of_any_hop_is_judged_window_by_window(model):
    predictor = Predictor(model)
    samples = 0.1 * np.random.default_rng(7).normal(size=16_000 * 5).astype("f")
    for hop_seconds in (0.3, 2.0, 10.0):
        live = list(predictor.predict_stream([samples[:9], samples[9:50_000], samples[50_000:]], hop_seconds=hop_seconds))
        offline = list(predictor.timeline(samples, hop_seconds=hop_seconds))
        assert [piece.start_seconds for piece in live] == [piece.start_seconds for piece in offline]
        for piece, other in zip(live, offline, strict=True):
            np.testing.assert_allclose(list(piece.posteriors.values()), list(other.posteriors.values()), atol=1e-5)


def test_what_is_broken_in_a_long_recording_is_named_window_by_window_at_any_rate(model, tmp_path):
    predictor = Predictor(model)
    samples = 0.1 * np.random.default_rng(3).normal(size=44_100 * 70)
    samples[44_100 * 20 + 5] = np.nan
    samples[44_100 * 40 : 44_100 * 44] = 0
    soundfile.write(tmp_path / "long.wav", samples, 44_100, subtype="FLOAT")
    pieces = list(predictor.timeline(tmp_path / "long.wav"))
    flaws = {piece.start_seconds: piece.flaw for piece in pieces if piece.flaw}
    assert set(flaws) >= {18.0, 19.0, 20.0}
    assert all("NaN" in flaw for start, flaw in flaws.items() if start < 30) and max(start for start in flaws if start < 30) <= 22
    prediction = predictor.predict(tmp_path / "long.wav")
    assert np.isfinite(list(prediction.posteriors.values())).all() and sum(bool(piece.flaw) for piece in prediction.segments) == len(flaws)


def test_a_speaker_is_enrolled_without_the_recordings_that_cannot_be_used(tmp_path, recording):
    predictor = Predictor(standardising_model(tmp_path, "speaker"))
    (tmp_path / "bad.wav").write_bytes(b"")
    with pytest.raises(AudioError, match=r"bad\.wav: the file is empty"):
        predictor.enrol([recording, tmp_path / "bad.wav"])
    problems = []
    predictor.enrol([recording, tmp_path / "bad.wav"], on_unusable=problems.append)
    found = predictor.preprocessor.speaker
    assert ["bad.wav: the file is empty" in str(problem) for problem in problems] == [True]  # once, however often it is heard
    predictor.enrol([recording])
    np.testing.assert_array_equal(found, predictor.preprocessor.speaker)
    with pytest.raises(AudioError, match=r"no recording of the speaker can be used: .*bad\.wav"):
        predictor.enrol([tmp_path / "bad.wav"], on_unusable=problems.append)


def test_a_long_recording_enrols_a_speaker_window_by_window(tmp_path):
    predictor = Predictor(standardising_model(tmp_path, "speaker"))
    samples = 0.1 * np.random.default_rng(3).normal(size=16_000 * 62)
    samples[: 16_000 * 7] = 0
    soundfile.write(tmp_path / "long.wav", samples, 16_000)
    predictor.enrol([tmp_path / "long.wav"])
    length = 48_240  # samples of 300 frames
    starts = [*range(2 * length, 16_000 * 62 - length, length), 16_000 * 62 - length]
    heard = [soundfile.read(tmp_path / "long.wav", dtype="float32")[0][start : start + length] for start in starts]
    frames = np.concatenate([features.log_mels_3d(samples) for samples in heard])
    np.testing.assert_allclose(predictor.preprocessor.speaker[0], frames.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(predictor.preprocessor.speaker[1], frames.var(axis=0), rtol=1e-3)
    path = tmp_path / "cut.flac"
    soundfile.write(path, samples, 16_000)
    path.write_bytes(path.read_bytes()[:-5_000])
    with pytest.raises(AudioError, match=r"cut\.flac: "):
        predictor.enrol([path])


def test_a_recording_may_come_in_any_form(model, recording):
    predictor, samples = Predictor(model), audio.load(recording)
    expected = predictor.predict(recording)
    undecoded = {"bytes": recording.read_bytes(), "path": recording.name}
    for form in (undecoded["bytes"], undecoded, (samples, 16_000), {"array": samples, "sampling_rate": 16_000}, samples[np.newaxis]):
        assert predictor.predict(form).posteriors == expected.posteriors
    with recording.open("rb") as file:
        assert predictor.predict(file) == expected
        assert list(predictor.timeline(file)) == list(predictor.timeline(recording))
        other = Predictor(model)
        other.enrol([file])
        predictor.enrol([recording])
        assert other.predict(file) == predictor.predict(recording)
    for call in (predictor.predict_many, predictor.enrol):
        with pytest.raises(ValueError, match="recordings is a single str, expected several"):
            list(call(str(recording)) or ())
    with pytest.raises(AudioError, match="has a sampling rate of 0 Hz"):
        predictor.predict(samples, 0)
