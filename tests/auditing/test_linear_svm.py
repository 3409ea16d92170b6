"""The linear machine: whose statistics standardise, who chooses the complexity, and what its scores say."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_acrnn.auditing import linear_svm
from ser_acrnn.config.baselines import LinearSvmConfig
from ser_acrnn.evaluation import metrics

CONFIG = LinearSvmConfig(emotions=("angry", "sad", "happy"), complexities=(1e-4, 1e-2, 1.0, 100.0))


@pytest.fixture
def recordings():
    """Five voices, each with a level of its own, eight recordings an emotion but three happy ones; 20 functionals, a few of which tell."""
    rng = np.random.default_rng(3)
    emotions = np.tile(np.repeat([0, 1, 2], [8, 8, 3]), 5)
    speakers = np.repeat(["a", "b", "c", "d", "e"], 19)
    vectors = rng.normal(size=(len(emotions), 20)) * rng.uniform(0.1, 1_000, 20)
    vectors += 1.2 * np.eye(3, 20)[emotions] * vectors.std(axis=0)
    vectors += 3 * rng.normal(size=(5, 20))[np.unique(speakers, return_inverse=True)[1]] * vectors.std(axis=0)
    return vectors.astype(np.float32), emotions, speakers


def test_each_speakers_recordings_are_standardised_by_themselves_alone(recordings):
    vectors, _, speakers = recordings
    vectors[speakers == "b", 4] = 7
    before = linear_svm.normalised_by_speaker(vectors, speakers)
    for speaker in "abcde":
        mine = before[speakers == speaker]
        np.testing.assert_allclose(mine.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(mine.std(axis=0), [0 if speaker == "b" and column == 4 else 1 for column in range(20)], atol=1e-9)
    vectors[speakers != "c"] *= -5
    after = linear_svm.normalised_by_speaker(vectors, speakers)
    np.testing.assert_array_equal(before[speakers == "c"], after[speakers == "c"])


@pytest.mark.parametrize("normalisation", ["training", "speaker"])
def test_the_complexity_is_the_best_of_leaving_out_one_training_speaker_after_the_other(recordings, normalisation):
    vectors, emotions, speakers = recordings
    if normalisation == "speaker":
        vectors = linear_svm.normalised_by_speaker(vectors, speakers)
    found = {}
    for complexity in CONFIG.complexities:
        uars = []
        for speaker in "abcde":
            rest, mine = (speakers != speaker), (speakers == speaker)
            scaler = StandardScaler().fit(vectors[rest].astype(float)) if normalisation == "training" else None
            scaled = vectors.astype(float) if scaler is None else scaler.transform(vectors.astype(float))
            machine = SVC(kernel="linear", C=complexity, class_weight="balanced", break_ties=True)
            machine.fit(scaled[rest], emotions[rest])
            uars.append(metrics.unweighted_average_recall(emotions[mine], machine.predict(scaled[mine])))
        found[complexity] = np.mean(uars)
    assert len(set(found.values())) > 2, "the complexities do not differ, nothing would be chosen"
    machine = linear_svm.fitted(vectors, emotions, speakers, replace(CONFIG, normalisation=normalisation))
    assert machine.best_params_ == {"machine__C": max(found, key=found.__getitem__)}
    assert machine.best_score_ == pytest.approx(max(found.values()))


def test_of_equally_good_complexities_the_lowest_is_taken():
    emotions, speakers = np.tile([0, 1, 2], 4), np.repeat(["a", "b", "c", "d"], 3)
    machine = linear_svm.fitted(np.eye(3)[emotions], emotions, speakers, replace(CONFIG, complexities=(1.0, 10.0, 100.0)))
    assert machine.best_score_ == 1
    assert machine.best_params_ == {"machine__C": 1.0}


def test_rare_emotions_count_as_much_as_frequent_ones():
    rng = np.random.default_rng(0)
    emotions = np.tile(np.repeat([0, 1], [40, 4]), 4)
    vectors = rng.normal(size=(len(emotions), 2)) + emotions[:, None]
    machine = linear_svm.fitted(vectors, emotions, np.repeat(["a", "b", "c", "d"], 44), replace(CONFIG, complexities=(0.01,)))
    recalls = [np.mean(machine.predict(vectors)[emotions == emotion] == emotion) for emotion in (0, 1)]
    assert min(recalls) > 0.6


def test_the_highest_score_is_what_the_machine_decides(recordings):
    vectors, emotions, speakers = recordings
    machine = linear_svm.fitted(vectors, emotions, speakers, CONFIG)
    scores = linear_svm.scores(machine, vectors, 3)
    assert scores.shape == (len(vectors), 3)
    np.testing.assert_array_equal(scores.argmax(axis=1), machine.predict(vectors.astype(float)))
    assert scores.min() > -1 / 3 and scores.max() < 2 + 1 / 3


@pytest.mark.parametrize("heard", [(0, 2), (0, 1, 3)])
def test_an_emotion_that_training_lacks_is_never_decided_for(heard):
    emotions, speakers = np.tile(heard, 4), np.repeat(["a", "b", "c", "d"], len(heard))
    vectors = np.eye(4)[emotions]
    machine = linear_svm.fitted(vectors, emotions, speakers, CONFIG)
    scores = linear_svm.scores(machine, vectors, 5)
    np.testing.assert_array_equal(scores.argmax(axis=1), emotions)
    absent = np.delete(scores, heard, axis=1)
    assert absent.shape[1] == 5 - len(heard) and (absent.max(axis=1) < scores[:, heard].min(axis=1)).all()
    np.testing.assert_allclose(linear_svm.scores(machine, vectors[:1], 5), scores[:1], rtol=1e-9)
