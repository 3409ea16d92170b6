"""What a network that ships knows of its training: embeddings of all speakers, and from where on a recording is like none of them.

The limit comes from speakers whom a network has not heard: for each fold whose network the grid kept, a Gaussian over its training
speakers' embeddings, and its distances from the degraded copies of the speaker who was left out, or from the recordings where the system
trains without copies. Nineteen of twenty of these are within the limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.grid.runs import Experiment
from experiments.options import GridOptions
from ser_acrnn.config import Preset
from ser_acrnn.data.normalised import normalised
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.data.segments import load_segments

if TYPE_CHECKING:  # heavy, and not needed for --help
    import keras

WITHIN = 0.95
BATCH_SEGMENTS = 40


def learned(model: keras.Model, experiment: Experiment, options: GridOptions, seed: int) -> tuple[keras.Model, list[str]]:
    """The network with the layer `familiarity`, and the speakers whom its limit is by; as it is where no fold's network was kept.

    Args:
        model: Trained on all speakers.
        experiment: Of the same system.
        options: `models` names the folder of the folds' networks.
        seed: Of these.
    """
    from ser_acrnn.models import heads, loading

    runs = [experiment.run(fold, seed) for fold in range(len(experiment.folds))]
    kept = [] if options.models is None else [run for run in runs if run.file(options.models, ".keras").is_file()]
    if not kept:
        return model, []
    distances = []
    for run in kept:
        network, test = loading.load(run.file(options.models, ".keras")), run.fold.test
        others = [speaker for speaker in experiment.corpus.speakers if speaker != test]
        known = heads.with_familiarity(network, embeddings(network, experiment, experiment.corpus, others), 1.0)
        unheard = embeddings(network, experiment, experiment.copies or experiment.corpus, [test])
        distances.append(np.asarray(known.get_layer(heads.FAMILIARITY).unfamiliarity(unheard)))
    limit = float(np.quantile(np.concatenate(distances), WITHIN))
    return heads.with_familiarity(model, embeddings(model, experiment, experiment.corpus, experiment.corpus.speakers), limit), [
        run.fold.test for run in kept
    ]


def embeddings(model: keras.Model, experiment: Experiment, corpus: PreparedCorpus, speakers: list[str]) -> NDArray[np.float32]:
    """What a network's encoder makes of all segments of some speakers, `(segments, 64)`."""
    from ser_acrnn.models.heads import encoder

    if not isinstance(experiment.preset, Preset):
        raise ValueError(f"{experiment.system}: is no network, expected one that ships")
    numbers, network = experiment.preset.model, encoder(model)
    segments = load_segments(normalised(corpus, numbers.normalisation), speakers, numbers.emotions, channels=numbers.channels)
    parts = range(0, len(segments.features), BATCH_SEGMENTS)
    found = [np.asarray(network.predict_on_batch(segments.features[start : start + BATCH_SEGMENTS])) for start in parts]
    return np.concatenate(found).astype(np.float32)  # a network may compute in less
