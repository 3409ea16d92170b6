"""Fine-tuning in stages, from the head down: what each frees, that a fold goes through all of them, and resumption."""

from dataclasses import replace

import numpy as np
import pytest
from own_recordings import one_stage

from ser_acrnn.features.log_mels import segment
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.training import from_csv
from ser_acrnn.training import run as training
from ser_acrnn.training.finetuning import FineTuned

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


@pytest.fixture(scope="module")
def staged(labels, sources):
    """All stages on all speakers: the source, its weights before, the job, the epochs, and the network."""
    source = Predictor(sources / "training.keras")
    before, entries = [np.array(weight) for weight in source.model.get_weights()], []
    job = from_csv.plan(labels, source, epochs=6)
    model = training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by, on_epoch=entries.append)
    return source, before, job, entries, model


def test_a_fold_is_judged_after_all_stages(staged):
    _, _, job, _, _ = staged
    entries = []
    result, model = training.run(job.corpus, job.run(job.folds[0], 0), system=job.trained_by, on_epoch=entries.append)
    assert [entry["epoch"] for entry in result.validation_curve] == [1, 2, 3, 4, 5, 6] and result.chosen_epoch == 6
    assert entries == result.validation_curve
    rows = {name: values for name, _, values in job.corpus.utterances([job.folds[0].test])}
    assert [utterance["id"] for utterance in result.utterances] == list(rows)
    judged = model.predict_on_batch(segment(np.stack(list(rows.values()))[0]))[0]  # recordings of one segment
    np.testing.assert_allclose(result.utterances[0]["posteriors"], judged, atol=1e-4)


def test_fewer_epochs_than_stages_are_told(labels, sources, caplog):
    for epochs in (2, 3):
        from_csv.plan(labels, Predictor(sources / "training.keras"), epochs=epochs)
    (told,) = [record.message for record in caplog.records if "stage" in record.message]
    assert told == "epochs is 2, and 3 are trained: of a trained network, one in each stage"


def test_emotions_named_as_the_networks_own_go_on_and_others_are_told(labels, sources, caplog):
    source = Predictor(sources / "training.keras")
    from_csv.plan(labels, source)  # calm and tense, of which it knows neither
    assert "names no emotion as the network does (" + ", ".join(source.emotions) in caplog.text
    caplog.clear()
    renamed = labels.with_name("renamed.csv")
    renamed.write_text(labels.read_text().replace(",calm", "," + source.emotions[1]))
    tuned = from_csv.plan(renamed, source).trained_by
    head, known = (model.get_layer("emotion") for model in (tuned.begun(), source.model))
    place = head.emotions.index(source.emotions[1])
    for new, old in zip(head.get_weights(), known.get_weights(), strict=True):
        np.testing.assert_array_equal(new[..., place], old[..., 1])
    assert "names no emotion" not in caplog.text


def test_stages_unfreeze_from_the_head_down(staged):
    source, before, job, entries, model = staged
    head, most, everything = job.trained_by.stages()
    names = ("conv_1", "linear", "blstm", "embedding", "emotion")
    assert [[name for name in names if not stage.frozen(name)] for stage in (head, most, everything)] == [
        ["emotion"],
        list(names[1:]),
        list(names),
    ]
    assert [stage.training.epochs for stage in (head, most, everything)] == [2, 2, 2]
    for epochs, expected in ((10, [4, 3, 3]), (11, [4, 4, 3]), (1, [1, 1, 1])):
        stages = FineTuned(replace(job.preset, training=replace(job.preset.training, epochs=epochs)), source.model).stages()
        assert [stage.training.epochs for stage in stages] == expected
    rates = [stage.training.learning_rate for stage in (head, most, everything)]
    assert rates == sorted(rates, reverse=True) and rates[0] == from_csv.FINE_TUNING["learning_rate"]
    assert [entry["epoch"] for entry in entries] == [1, 2, 3, 4, 5, 6]
    for weight, kept in zip(source.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert (
        np.array(model.get_layer("conv_1").get_weights()[0]) != before[2].reshape(model.get_layer("conv_1").get_weights()[0].shape)
    ).any()


def test_an_interrupted_fine_tuning_resumes_in_its_stage(staged, tmp_path):
    _, _, job, _, expected = staged
    checkpoint = tmp_path / "run.npz"

    def stop(entry):
        if entry["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by, checkpoint=checkpoint, on_epoch=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.npz", "run.npz.stage1"]
    entries = []
    resumed = training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by, checkpoint=checkpoint, on_epoch=entries.append)
    assert [entry["epoch"] for entry in entries] == [4, 5, 6]
    for weight, other in zip(resumed.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_a_network_of_speakers_stays_one(labels, sources):
    job = from_csv.plan(labels, Predictor(sources / "speaker.keras"), epochs=3)
    assert job.preset.model.normalisation == "speaker" and job.preset.training.augmentation.speaker_exchange == 0
    with one_stage():
        model = training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by)
    assert model.get_layer("normalise").scope == "speaker"
    assert (np.asarray(model.get_layer("normalise").mean) == 0).all()


def test_scalars_are_numbered_over_the_stages(staged, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    _, _, job, _, _ = staged
    training.train_on_all(job.corpus, job.preset, 0, system=job.trained_by, log_directory=tmp_path)
    (events,) = tmp_path.iterdir()
    found = [event for event in EventFileLoader(str(events)).Load() if event.summary.value]
    assert [event.step for event in found] == [1, 2, 3, 4, 5, 6]
    assert {value.tag for event in found for value in event.summary.value} == {"loss"}
