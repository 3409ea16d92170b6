"""Whether folds test each recording once, whether each emotion is trained and tested, and how coarse a recall is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ser_acrnn.auditing.findings import Finding, named, numbers, sentence, where
from ser_acrnn.auditing.split import TEST, TRAIN, Split, SplitFold

MOST_POINTS = 5.0  # by which one utterance may move the recall of its emotion
FEWEST = int(100 / MOST_POINTS)


def folds(split: Split) -> Iterator[tuple[Finding, bool]]:
    """Yields recordings that several folds test, that none tests, and that a fold leaves out; and whether it is wrong."""
    if len(split.folds) == 1:
        return
    tested = Counter(key for fold in split.folds for key in {one.key for one in fold.test})
    every = {one.key for one in split.recordings}
    if twice := tuple(sorted(key for key, times in tested.items() if times > 1)):
        text = f"{len(twice)} of {len(every)} recordings are tested by more than one of the {len(split.folds)} folds: {named(twice)}"
        yield Finding("folds-overlap", sentence(text), len(twice), twice, _names(split), (TEST,)), True
    if never := tuple(sorted(every - tested.keys())):
        text = f"{len(never)} of {len(every)} recordings are tested by none of the {len(split.folds)} folds: {named(never)}"
        yield Finding("folds-do-not-cover", sentence(text), len(never), never, _names(split), (TEST,)), True
    left_out = {fold.name: every - {one.key for one in fold.recordings} for fold in split.folds}
    if found := {name: keys for name, keys in left_out.items() if keys}:
        names = tuple(sorted(set().union(*found.values())))
        counts = numbers([len(keys) for keys in found.values()])
        text = f"{where(list(found), len(split.folds))}{counts} of {len(every)} recordings are in no part"
        yield Finding("left-out", sentence(text), len(names), names, tuple(found)), False


def emotions(split: Split) -> Iterator[tuple[Finding, bool]]:
    """Yields emotions that are tested and not trained, or trained and not tested; and whether it is wrong."""
    tested = {fold.name: _emotions(fold, TEST) for fold in split.folds}
    trained = {fold.name: _emotions(fold, TRAIN) for fold in split.folds}
    anywhere = set().union(*tested.values())
    if found := {name: tested[name] - trained[name] for name in tested if trained[name] and tested[name] - trained[name]}:
        yield _missing(found, split, "the test part has {}, which training lacks", (TRAIN,)), True
    if found := {name: trained[name] - tested[name] for name in tested if anywhere and trained[name] - tested[name]}:
        never = {name: absent for name, emotions in found.items() if (absent := emotions - anywhere)}
        if never:
            yield _missing(never, split, "training has {}, which is tested nowhere", (TEST,)), True
        if somewhere := {name: rest for name, emotions in found.items() if (rest := emotions & anywhere)}:
            yield _missing(somewhere, split, "training has {}, which the fold does not test", (TEST,)), False


def resolution(split: Split) -> Iterator[tuple[Finding, bool]]:
    """Yields emotions of which so few recordings are tested that one of them moves a recall by more than `MOST_POINTS`.

    It is wrong where all folds together test so few; a single fold's recall is not what is reported.
    """
    each = {
        fold.name: Counter(emotion for emotion in {one.key: one.emotion for one in fold.test}.values() if emotion) for fold in split.folds
    }
    every = Counter({one.key: one.emotion for fold in split.folds for one in fold.test if one.emotion}.values())
    if few := {emotion: count for emotion, count in every.items() if count < FEWEST}:
        yield _few(few, split, "the test part has" if len(split.folds) == 1 else "all folds together test"), True
    fewer = {
        name: {emotion: count for emotion, count in counts.items() if count < FEWEST <= every[emotion]} for name, counts in each.items()
    }
    if fewer := {name: counts for name, counts in fewer.items() if counts}:
        names = tuple(sorted({emotion for counts in fewer.values() for emotion in counts}))
        least = min(count for counts in fewer.values() for count in counts.values())
        text = (
            f"{where(list(fewer), len(split.folds))}the test part has fewer than {FEWEST} recordings of an emotion ({named(names)}), "
            f"{least} at least: one of them moves its recall in the fold by up to {100 / least:.0f} points"
        )
        yield Finding("small-parts", sentence(text), len(names), names, tuple(fewer), (TEST,)), False


def _few(few: dict[str, int], split: Split, who: str) -> Finding:
    names = tuple(sorted(few))
    each = ", ".join(f"{few[name]} of {name} ({100 / few[name]:.0f} points)" for name in names)
    text = f"{who} so few recordings that one moves the recall of its emotion by more than {MOST_POINTS:.0f} points: {each}"
    return Finding("small-parts", sentence(text), len(names), names, _names(split), (TEST,))


def _missing(found: dict[str, set[str]], split: Split, what: str, parts: tuple[str, ...]) -> Finding:
    names = tuple(sorted(set().union(*found.values())))
    text = f"{where(list(found), len(split.folds))}{what.format(named(names))}"
    return Finding("missing-classes", sentence(text), len(names), names, tuple(found), parts)


def _emotions(fold: SplitFold, part: str) -> set[str]:
    return {one.emotion for one in fold.part(part)} - {""}


def _names(split: Split) -> tuple[str, ...]:
    return tuple(fold.name for fold in split.folds)
