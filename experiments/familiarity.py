"""What a network that ships knows of its training: embeddings of all speakers, and from where on a recording is like none of them.

The limit comes from speakers, or corpora, that a network has not heard: for each fold whose network was kept, a Gaussian over its training
part's embeddings, and its distances from the degraded copies of what was left out, or from the recordings where the system trains without
copies. Nineteen of twenty of these are within the limit. Corpora that training drew evenly count evenly here too, in the Gaussian and in
the limit, so that the largest does not decide alone what is familiar.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config import Preset
from ser_acrnn.data.normalised import normalised
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.data.segments import load_segments

if TYPE_CHECKING:  # heavy, and not needed for --help
    import keras

WITHIN = 0.95
BATCH_SEGMENTS = 40


def learned(
    model: keras.Model, preset: Preset, corpus: PreparedCorpus, kept: Mapping[str, Path], unheard: PreparedCorpus | None = None
) -> keras.Model:
    """The network with the layer `familiarity`; as it is where no fold's network was kept.

    Args:
        model: Trained on all groups of the corpus.
        preset: Of the network, and of those of the folds.
        corpus: What it was trained on.
        kept: The group that a fold left out -> that fold's network.
        unheard: The degraded copies of these groups, where the network is trained with copies.
    """
    from ser_acrnn.models import heads, loading

    if not kept:
        return model
    distances = []
    for test, path in kept.items():
        network = loading.load(path)
        others = [group for group in corpus.groups if group != test]
        known = heads.with_familiarity(network, learned_embeddings(network, preset, corpus, others), 1.0)
        distances.append(
            np.asarray(known.get_layer(heads.FAMILIARITY).unfamiliarity(embeddings(network, preset, unheard or corpus, [test])))
        )
    limit = float(np.quantile(_together(distances, preset), WITHIN))
    return heads.with_familiarity(model, learned_embeddings(model, preset, corpus, corpus.groups), limit)


def learned_embeddings(model: keras.Model, preset: Preset, corpus: PreparedCorpus, groups: Iterable[str]) -> NDArray[np.float32]:
    """What a network's encoder makes of what it has learned from: rows of 64 numbers, as training drew the groups."""
    return _together([embeddings(model, preset, corpus, [group]) for group in groups], preset)


def _together(parts: Sequence[NDArray], preset: Preset) -> NDArray:
    """The rows of all groups; where training draws corpora evenly those of the smaller ones as often as it takes to be as many."""
    if preset.training.sampling == "corpora":
        most = max(map(len, parts))
        parts = [np.resize(part, (most, *part.shape[1:])) for part in parts]
    return np.concatenate(parts)


def embeddings(model: keras.Model, preset: Preset, corpus: PreparedCorpus, groups: Iterable[str]) -> NDArray[np.float32]:
    """What a network's encoder makes of all segments of some groups, `(segments, 64)`."""
    from ser_acrnn.models.heads import encoder

    numbers, network = preset.model, encoder(model)
    segments = load_segments(normalised(corpus, numbers.normalisation), groups, numbers.emotions, channels=numbers.channels)
    parts = range(0, len(segments.features), BATCH_SEGMENTS)
    found = [np.asarray(network.predict_on_batch(segments.features[start : start + BATCH_SEGMENTS])) for start in parts]
    return np.concatenate(found).astype(np.float32)  # a network may compute in less
