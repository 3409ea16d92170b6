"""By how much a split flatters: a simple system under it and under one that shares no speaker, on the same recordings.

The system is openSMILE's eGeMAPS and a linear support vector machine: it draws nothing, needs no accelerator, and takes minutes. Another
system may gain more or less from voices that it knows.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_acrnn import files
from ser_acrnn.auditing import linear_svm
from ser_acrnn.auditing.estimates import Estimate
from ser_acrnn.auditing.same_audio import located
from ser_acrnn.auditing.split import Recording, Split, SplitError, SplitFold
from ser_acrnn.auditing.splitting import GROUP, made
from ser_acrnn.config.baselines import EGEMAPS, LinearSvmConfig
from ser_acrnn.evaluation.intervals import Difference
from ser_acrnn.evaluation.metrics import unweighted_average_recall
from ser_acrnn.features.functionals import functionals_of, opensmile_extractor

SYSTEM = "openSMILE eGeMAPS + SVM"
COMPLEXITIES = (1e-3, 1e-2, 1e-1, 1.0)  # the useful ones of the challenges' powers of ten
GROUPS = 5  # of training speakers, one after the other of which chooses the complexity
FEWEST_FOLDS, MOST_FOLDS = 3, 10


def estimate(split: Split, folder: Path, work: Path | None = None, on_file: Callable[[], object] = lambda: None) -> Estimate:
    """Trains and tests a system under a split, and under one of groups of speakers of about as many folds.

    Args:
        split: With speakers and emotions of all recordings, which are whole files.
        folder: Where the files are, see `ser_acrnn.auditing.same_audio.findings`.
        work: Folder that keeps the functionals; None: they are forgotten.
        on_file: Called for each recording that was heard.

    Raises:
        SplitError: A speaker, an emotion or a file is not known, or there are too few speakers.
        AudioError: A recording cannot be used.
        ValueError: openSMILE is not installed.
    """
    recordings = list({one.key: one for one in split.recordings}.values())
    for role in ("speaker", "emotion"):
        if unknown := [one.name for one in recordings if not getattr(one, role)]:
            raise SplitError(f"{unknown[0]}: its {role} is not known ({len(unknown)} of {len(recordings)}), expected it for the estimate")
    vectors = dict(zip((one.key for one in recordings), _vectors(recordings, folder, work, on_file), strict=True))
    share = np.mean([len(fold.test) / len(fold.recordings) for fold in split.folds])
    most = min(MOST_FOLDS, len({one.speaker for one in recordings}))
    if most < FEWEST_FOLDS:
        raise SplitError(f"{split.name}: has {most} speakers, expected {FEWEST_FOLDS} or more, so that some can be left out")
    honest = made(recordings, GROUP, name=split.name, folds=int(np.clip(round(1 / share), FEWEST_FOLDS, most)), validation=False)
    by_given, by_honest = _decisions(split.folds, vectors), dict(_decisions(honest.folds, vectors))
    tested = {one.key: one for fold in split.folds for one in fold.test}
    uars = []
    for speaker in sorted({one.speaker for one in tested.values()}):
        own = [(key, decision) for key, decision in by_given if tested[key].speaker == speaker]
        truth = [tested[key].emotion for key, _ in own]
        pairs = ([decision for _, decision in own], [by_honest[key] for key, _ in own])
        uars.append([unweighted_average_recall(truth, decisions) for decisions in pairs])
    given, without = np.array(uars).T
    return Estimate(
        SYSTEM,
        float(given.mean()),
        float(without.mean()),
        len(honest.folds),
        Difference.over(100 * (given - without)),
        len(uars),
        len(tested),
    )


def _vectors(recordings: Sequence[Recording], folder: Path, work: Path | None, on_file: Callable[[], object]) -> NDArray[np.float32]:
    if parts := [one.name for one in recordings if one.segment]:
        raise SplitError(f"{parts[0]}: is a part of a file, expected whole files for the estimate")
    there = {one.key: located(one, folder) for one in recordings}
    if absent := [one.name for one in recordings if not there[one.key]]:
        raise SplitError(
            f"{folder}: lacks {len(absent)} of {len(recordings)} recordings, such as {absent[0]}, expected all for the estimate"
        )
    listed = [(files.sha256(path), path) for path in there.values() if path]
    with nullcontext(str(work)) if work else tempfile.TemporaryDirectory(prefix="ser_acrnn-") as kept:
        return functionals_of(listed, EGEMAPS, opensmile_extractor(EGEMAPS), Path(kept), on_file)


def _decisions(folds: Sequence[SplitFold], vectors: dict[str, NDArray[np.float32]]) -> list[tuple[str, str]]:
    """What is decided of each test recording of each fold."""
    emotions = sorted({one.emotion for fold in folds for one in fold.recordings})
    config = LinearSvmConfig(emotions=tuple(emotions), complexities=COMPLEXITIES)
    found: list[tuple[str, str]] = []
    for fold in folds:
        heard = list({one.key: one for one in fold.train + fold.validation}.values())
        groups = files.balanced(Counter(one.speaker for one in heard), GROUPS)
        if len(groups) < 2:
            raise SplitError(f"fold {fold.name or 'of the split'}: trains on {len(groups)} speaker, expected two for the estimate")
        number = {speaker: place for place, group in enumerate(groups) for speaker in group}
        machine = linear_svm.fitted(
            np.stack([vectors[one.key] for one in heard]),
            [emotions.index(one.emotion) for one in heard],
            [number[one.speaker] for one in heard],
            config,
        )
        tested = list({one.key: one for one in fold.test}.values())
        said = linear_svm.scores(machine, np.stack([vectors[one.key] for one in tested]), len(emotions)).argmax(axis=1)
        found += [(one.key, emotions[place]) for one, place in zip(tested, said, strict=True)]
    return found
