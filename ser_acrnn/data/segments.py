"""Equally long pieces of utterances, cut out of a prepared corpus: in memory, or left in the corpus where they are many."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ser_acrnn.config.features import FeatureConfig, recipe_name
from ser_acrnn.data.prepared import DatasetError, PreparedCorpus, Readable
from ser_acrnn.data.streamed import Cut, StreamedFeatures
from ser_acrnn.features.log_mels import segment

logger = logging.getLogger(__name__)

# Of a part of a fold. Emo-DB's training segments, some 100 MiB, stay where reading them costs nothing; CREMA-D's, 1 GiB, do not, so that
# runs side by side share a host of a few GB.
LARGEST_IN_MEMORY_BYTES = 1 << 29

Features = NDArray[np.float32] | StreamedFeatures


@dataclass(frozen=True)
class Segments:
    """Equally long pieces of utterances.

    Attributes:
        features: float32 `(segments, frames, coefficients, channels)`, such as `(segments, 300, 40, 3)`; an array, or what is indexed
            like one.
        labels: Class number of each segment, `(segments,)`.
        utterance: Number of the utterance of each segment, `(segments,)`.
        utterance_ids: Names of the utterances.
        utterance_labels: Class number of each utterance, `(utterances,)`.
        corpus: Of several pooled corpora the number of each segment's, `(segments,)`.
        known: Which classes each of these has, `(corpora, classes)`.
    """

    features: Features
    labels: NDArray[np.int64]
    utterance: NDArray[np.int64]
    utterance_ids: tuple[str, ...]
    utterance_labels: NDArray[np.int64]
    corpus: NDArray[np.int64] | None = None
    known: NDArray[np.bool_] | None = None


def load_segments(
    corpus: PreparedCorpus, speakers: Iterable[str], emotions: Sequence[str], *, channels: int = 3, hop_seconds: float | None = None
) -> Segments:
    """Reads all 3 s segments of some speakers into memory, however many.

    Args:
        corpus: A prepared corpus of log-Mels.
        speakers: Whose.
        emotions: Names of the classes, in the order of the network's outputs.
        channels: 3, or 1 for the static log-Mels alone.
        hop_seconds: Shift between segments; without it they do not overlap (`ser_acrnn.features.log_mels.segment_starts`).

    Raises:
        DatasetError: An emotion that is not in `emotions`, an unknown speaker, or a corpus of other features.
    """
    config = corpus.features
    if not isinstance(config, FeatureConfig):
        raise DatasetError(f"{corpus.name}: was prepared by the recipe {recipe_name(config)!r}, expected log-Mels")
    return cut_segments(
        corpus, speakers, emotions, lambda values: segment(values[..., :channels], config, hop_seconds), largest_in_memory_bytes=None
    )


def cut_segments(
    corpus: Readable,
    groups: Iterable[str],
    emotions: Sequence[str],
    cut: Cut,
    *,
    largest_in_memory_bytes: int | None = LARGEST_IN_MEMORY_BYTES,
) -> Segments:
    """Cuts all utterances of some groups. They are read once to be checked and counted, and then into memory, unless they are too large.

    Args:
        corpus: A prepared corpus.
        groups: Whose.
        emotions: Names of the classes, in the order of the network's outputs.
        cut: An utterance's features -> its segments, `(segments, frames, coefficients, channels)`, at least one.
        largest_in_memory_bytes: What exceeds it stays in the corpus, and is read whenever it is asked for; None: nothing does.

    Raises:
        DatasetError: An emotion that is not in `emotions`, or an unknown group.
    """
    number = {emotion: index for index, emotion in enumerate(emotions)}
    counts, labels = [], []
    ids: list[str] = []
    shape: tuple[int, ...] = ()
    for name, emotion, values in corpus.utterances(groups):
        if emotion not in number:
            raise DatasetError(f"{corpus.name}: utterance {name} has the emotion {emotion!r}, expected one of {list(emotions)}")
        pieces = cut(values)
        shape = pieces.shape[1:]
        counts.append(len(pieces))
        ids.append(name)
        labels.append(number[emotion])
    utterance, utterance_labels = np.repeat(np.arange(len(ids)), counts), np.array(labels)
    features: Features = StreamedFeatures(corpus, cut, tuple(ids), utterance, shape)
    if largest_in_memory_bytes is None or features.nbytes <= largest_in_memory_bytes:
        features = features[:]
    else:
        logger.info("%s: %d segments, %d MiB, are read whenever they are needed", corpus.name, len(features), features.nbytes >> 20)
    return Segments(features, utterance_labels[utterance], utterance, tuple(ids), utterance_labels)
