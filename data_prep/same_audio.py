"""The same audio under two speakers or two emotions of a corpus, found before anything of it is prepared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_prep.shards import ParallelMap
from ser_acrnn import audio
from ser_acrnn.cli.progress import Progress
from ser_acrnn.data import duplicates
from ser_acrnn.data.corpus import Utterance


def problems(
    corpus: str, utterances: Sequence[Utterance], rate_hertz: int, run: ParallelMap, *, skip_bad: bool, progress: bool = False
) -> dict[str, str]:
    """Says of utterances why their audio cannot be theirs.

    Degraded copies are not looked at: they are made of recordings that have been. Neither are recordings that cannot be read, of which
    their preparation tells.

    Args:
        corpus: Its name, for the error's text.
        utterances: All of them.
        rate_hertz: Rate at which recordings are compared.
        run: What `shards.workers` yields.
        skip_bad: Such utterances are to be left out, both of two, because nobody knows which one is right.
        progress: Show how far it is, see `ser_acrnn.cli.progress`.

    Returns:
        Name of the utterance -> what is wrong; empty without `skip_bad`.

    Raises:
        LeakError: The same audio stands under two speakers, and may not be left out.
        CorpusError: Or under two emotions of one speaker.
    """
    recordings = [utterance for utterance in utterances if not utterance.copy]
    counted = Progress(len(recordings), f"{corpus}, listening for the same audio", "recordings", shown=progress)
    heard = zip(recordings, counted.over(run(_fingerprint, ((recording, rate_hertz) for recording in recordings))), strict=True)
    known = [(recording, found) for recording, found in heard if found is not None]
    pairs = duplicates.find([recording for recording, _ in known], [found for _, found in known], rate_hertz)
    if not skip_bad:
        duplicates.refuse(corpus, pairs)
    return {one.id: str(pair) for pair in pairs for one in (pair.first, pair.second)}


def _fingerprint(task: tuple[Utterance, int]) -> NDArray[np.float32] | None:
    utterance, rate_hertz = task
    try:
        return duplicates.fingerprint(audio.load(utterance.path, rate_hertz), rate_hertz)
    except (audio.AudioError, OSError):
        return None
