"""On JAX, in a process where TensorFlow cannot be imported: training from a packed corpus, and networks that TensorFlow saved."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from layer_check import NO_JAX, check_same_on_jax, jax_python, run_on_jax
from short_corpus import BASELINE, SMALL, ShortCorpus, changed, posteriors

from ser_acrnn.config import DnnElmPreset, Preset
from ser_acrnn.data.prepared import pack
from ser_acrnn.data.segments import load_segments
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.models.networks import acrnn
from ser_acrnn.training import rescoring

pytestmark = [pytest.mark.stochastic, pytest.mark.skipif(jax_python() is None, reason=NO_JAX)]

TRAIN = """
import dataclasses, json, shutil
from pathlib import Path
from ser_acrnn.evaluation import protocol
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.training import rescoring, run as training
from ser_acrnn.config import DnnElmPreset, Preset
from ser_acrnn.data.prepared import open_corpus

directory = Path(sys.argv[1])
preset = Preset.from_dict(json.loads((directory / "preset.json").read_text()))
corpus = open_corpus(directory / "packed.npz")
this = Run(corpus.name, "small", preset, protocol.Fold(("c", "d", "e"), "b", "a"), 0)
checkpoint, after_2 = directory / "checkpoint.npz", directory / "after-2.npz"

def keep(entry):
    if entry["epoch"] == 2:
        shutil.copy(checkpoint, after_2)

result, model = training.run(corpus, this, checkpoint=checkpoint, on_epoch=keep)
result.save(directory / "result.json")
model.save(directory / "trained.keras")
adapted = dataclasses.replace(preset, training=dataclasses.replace(preset.training, judging_batch_norm="speaker"))
rescoring.rescore(corpus, result, "adapted", adapted, model).save(directory / "adapted.json")
epochs = []
training.run(corpus, this, checkpoint=after_2, on_epoch=epochs.append)[0].save(directory / "resumed.json")
assert [entry["epoch"] for entry in epochs] == [3, 4]

baseline = DnnElmPreset.from_dict(json.loads((directory / "baseline.json").read_text()))
between = protocol.Fold(("a", "c", "e"), "b", "d")
training.run(open_corpus(directory / "frames.npz"), Run(corpus.name, "dnn-elm", baseline, between, 0))[0].save(directory / "dnn-elm.json")
assert not any(name.partition(".")[0] == "tensorflow" for name, module in sys.modules.items() if module is not None)
"""


def test_a_packed_corpus_trains_and_resumes(tmp_path):
    corpus = ShortCorpus()
    pack(corpus, tmp_path / "packed.npz")
    preset = changed(epochs=4, mixup=0.4)
    (tmp_path / "preset.json").write_text(json.dumps(preset.to_dict()))
    pack(ShortCorpus(features=BASELINE.features), tmp_path / "frames.npz")
    (tmp_path / "baseline.json").write_text(json.dumps(BASELINE.to_dict()))
    run_on_jax(TRAIN, tmp_path)
    result = RunResult.load(tmp_path / "result.json")
    assert result.backend.startswith("jax") and result.device
    curve = result.validation_curve
    assert len(curve) == 4 and curve[-1]["loss"] < 0.9 * curve[0]["loss"]
    assert [item["id"] for item in result.utterances] == [item[0] for item in corpus.kept["a"]]
    resumed = RunResult.load(tmp_path / "resumed.json")
    assert resumed.validation_curve == curve and resumed.utterances == result.utterances

    baseline = RunResult.load(tmp_path / "dnn-elm.json")
    assert baseline.backend.startswith("jax") and DnnElmPreset.from_dict(baseline.config) == BASELINE
    assert metrics.unweighted_average_recall(baseline.truth, baseline.decisions) > 0.6

    # What JAX trained and saved judges the same here.
    model = keras.saving.load_model(tmp_path / "trained.keras")
    segments = load_segments(corpus, ["a"], SMALL.model.emotions)
    values = np.asarray(model(segments.features))
    maxima = [values[segments.utterance == number].max(axis=0) for number in range(len(result.utterances))]
    np.testing.assert_allclose(posteriors(result), maxima, atol=1e-5)
    adapted = RunResult.load(tmp_path / "adapted.json")
    again = rescoring.rescore(corpus, result, "adapted", Preset.from_dict(adapted.config), model)
    np.testing.assert_allclose(posteriors(adapted), posteriors(again), atol=1e-5)
    assert not np.allclose(posteriors(adapted), posteriors(result), atol=1e-3)


def test_networks_saved_here_give_the_same_posteriors_there(tmp_path):
    features = load_segments(ShortCorpus(), ["a", "b"], SMALL.model.emotions).features
    variants = {
        "masked": replace(SMALL.model, mask_padding=True, conv=((4, 2, 2), (4, 1, 1))),
        "released": replace(SMALL.model, attention="released-code", batch_norm=("conv", "linear")),
    }
    models = {}
    for name, config in variants.items():
        keras.utils.set_random_seed(0)
        models[name] = acrnn(config), [features]
        models[name][0].get_layer("normalise").set_statistics(features.mean(axis=(0, 1)), features.var(axis=(0, 1)))
    check_same_on_jax(models, tmp_path)
