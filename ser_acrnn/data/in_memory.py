"""A corpus of one's own: its recordings' features, computed and held in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from typing_extensions import override

from ser_acrnn import audio, files, tables
from ser_acrnn.config.features import Recipe
from ser_acrnn.data import duplicates
from ser_acrnn.data.corpus import CorpusError, Utterance
from ser_acrnn.data.prepared import PreparedCorpus
from ser_acrnn.features.extraction import extract, segments_of

logger = logging.getLogger(__name__)


class MemoryCorpus(PreparedCorpus):
    """A prepared corpus in memory: some 15 MB of log-Mels for ten minutes of audio.

    Args:
        name: Of the corpus.
        manifest: See `PreparedCorpus`.
        values: Features of each row, `(frames, coefficients, channels)`.
        config: Their recipe.
    """

    def __init__(self, name: str, manifest: pd.DataFrame, values: Sequence[NDArray[np.float32]], config: Recipe) -> None:
        self.values = list(values)
        speakers: dict[str, dict] = {}
        for speaker, rows in manifest.groupby("speaker"):
            wide = np.concatenate([self.values[row] for row in rows.index]).astype(np.float64)
            speakers[str(speaker)] = {
                "frames": len(wide),
                "sum": wide.sum(axis=0),
                "sum_of_squares": (wide**2).sum(axis=0),
                "shard_sha256": files.sha256_of(rows.drop(columns="path").to_csv(index=False)),
            }
        recipe = {"corpus": name, "features": config.to_dict(), "recipe_hash": config.recipe_hash, "speakers": speakers}
        super().__init__(manifest, recipe)

    @override
    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        wanted = set(self._known(groups))
        for row, (name, speaker, emotion) in enumerate(self.manifest[["utterance", "speaker", "emotion"]].itertuples(index=False)):
            if speaker in wanted:
                yield name, emotion, self.values[row]

    @override
    def read(self, utterance: str) -> NDArray[np.float32]:
        return self.values[self.row(utterance)]


def load_corpus(
    name: str,
    utterances: Sequence[Utterance],
    config: Recipe,
    *,
    sound_alike: bool = False,
    on_file: Callable[[Path], object] = lambda path: None,
) -> MemoryCorpus:
    """Reads recordings, makes sure that none is there under two speakers or emotions, and computes their features.

    Args:
        name: Of the corpus.
        utterances: As `ser_acrnn.data.corpus.read_csv` gives them.
        config: The recipe.
        sound_alike: Recordings that sound the same are named and taken, as where all begin with one prompt.
        on_file: Called with each file that has been read.

    Raises:
        CorpusError: Recordings that cannot be used, all of them named; or the same audio under two emotions.
        LeakError: The same audio under two speakers, see `ser_acrnn.data.duplicates`.
    """
    rows, values, problems, fingerprints = [], [], [], []
    for utterance in utterances:
        try:
            waveform = audio.load(utterance.path, config.sampling_rate_hertz)
            features = extract(waveform, config)
        except audio.AudioError as error:
            problems.append(str(error))
            continue
        except ValueError as error:
            problems.append(f"{utterance.path}: {error}")
            continue
        finally:
            on_file(utterance.path)
        values.append(features)
        fingerprints.append(duplicates.fingerprint(waveform, config.sampling_rate_hertz))
        rows.append(
            {
                "utterance": utterance.id,
                "speaker": utterance.speaker,
                "session": utterance.session,
                "emotion": utterance.emotion,
                "path": str(utterance.path),
                "sha256": files.sha256(utterance.path),
                "seconds": round(len(waveform) / config.sampling_rate_hertz, 4),
                "segments": segments_of(values[-1], config),
            }
        )
    if problems:
        raise CorpusError(f"{name}: {len(problems)} of {len(utterances)} recordings cannot be used: " + "; ".join(problems))
    found = duplicates.find(utterances, fingerprints, config.sampling_rate_hertz)
    if sound_alike and found:
        logger.warning("%s: %s; they are taken for different ones all the same", name, tables.listed([str(one) for one in found]))
    else:
        duplicates.refuse(name, found, "where they do differ, sound_alike (--sound-alike) takes them")
    return MemoryCorpus(name, pd.DataFrame(rows), values, config)
