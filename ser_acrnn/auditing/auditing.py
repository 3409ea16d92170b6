"""A split -> what is wrong with it: all the checks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ser_acrnn.auditing import coverage, leaks, reading, selection
from ser_acrnn.auditing.columns import Columns
from ser_acrnn.auditing.findings import Audit, Finding
from ser_acrnn.auditing.split import Split

UNHEARD = "audio: the recordings were not compared by their sound, for which `--audio FOLDER` is"


def audit(
    *sources: str | Path,
    columns: Columns | None = None,
    corpus: str = "",
    rules: Mapping[str, str] | None = None,
    audio: str | Path | None = None,
    config: Sequence[str | Path] = (),
    unseen_texts: bool = False,
    estimate: bool = False,
    work: str | Path | None = None,
    on_file: Callable[[], object] = lambda: None,
) -> Audit:
    """Says what of the test is known before it in a split that somebody made, and what else is wrong with the split.

    Args:
        sources: The files of one split, or its folder: CSV, EmoBox's JSON lines, audformat, SpeechBrain's CSV or JSON, a folder of the
            Hugging Face hub with a folder a part.
        columns: Names of columns, where they are not the usual ones.
        corpus: Whose file names say what no column says, one of `ser_acrnn.auditing.conventions.BY_NAME`; "": the one corpus whose
            convention all names follow.
        rules: `speaker`, `text` or `session` -> regular expression on the path, in whose first group the value is.
        audio: Folder with the recordings, which are then compared by their sound.
        config: Configurations or logs of the training, which say what the model is chosen by.
        unseen_texts: Whether the test's sentences are to be new; so they are where a column or a rule of theirs is given.
        estimate: Whether to train and test a simple system under the split and under an honest one, on the recordings of `audio`.
        work: Folder that keeps what the estimate computes of each recording.
        on_file: Called for each recording that was heard.

    Returns:
        The findings, each a sentence with counts and names; `print` shows them beneath a table of the parts.

    Raises:
        SplitError: It cannot be read, or what the estimate needs is not known; the message names file, value and expectation.
        AudioError: A recording cannot be used for the estimate.
        ValueError: An estimate without audio, or without openSMILE.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import ser_acrnn
        >>> rows = [f"{speaker}{number}.wav,{speaker},{part}" for part in ("train", "test") for speaker in "ab" for number in range(3)]
        >>> table = Path(tempfile.mkdtemp(), "split.csv")
        >>> _ = table.write_text("\\n".join(["path,speaker,part", *rows[:6], "c1.wav,c,test", "b9.wav,b,test"]))
        >>> ser_acrnn.audit(table).findings[0].sentence
        '1 of the 2 speakers of the test part is in the training part, too: b; that concerns 1 of 2 test recordings.'
    """
    if estimate and audio is None:
        raise ValueError("an estimate is wanted, expected audio, the folder of the recordings")
    split = reading.read(sources, columns=columns, corpus=corpus, rules=rules, unseen_texts=unseen_texts)
    found = [(finding, True) for path in config for finding in selection.findings(Path(path))]
    found += _of_labels(split)
    unchecked = _unknown(split)
    if audio is None:
        unchecked.insert(0, UNHEARD)
    else:
        from ser_acrnn.auditing import same_audio  # SciPy is for it alone

        heard, problems = same_audio.findings(split, Path(audio), on_file)
        found += heard
        unchecked += problems
    report = _put_together(split, found, unchecked)
    if estimate and audio is not None:
        from ser_acrnn.auditing import estimating

        report = replace(report, estimate=estimating.estimate(split, Path(audio), None if work is None else Path(work), on_file))
    return report


def audit_split(split: Split) -> Audit:
    """The same of a split that was read or made already, from its labels alone."""
    return _put_together(split, _of_labels(split), [UNHEARD, *_unknown(split)])


def _of_labels(split: Split) -> list[tuple[Finding, bool]]:
    return [
        *leaks.shared(split),
        *((one, True) for one in leaks.overlapping(split)),
        *((one, True) for one in leaks.unknown_speakers(split)),
        *((one, True) for one in leaks.conflicts(split.recordings)),
        *leaks.alike(split),
        *coverage.folds(split),
        *coverage.emotions(split),
        *coverage.resolution(split),
    ]


def _unknown(split: Split) -> list[str]:
    anew = any(recording.table for recording in split.recordings)
    return ["recordings: each file begins their names anew, so that those of two files were not compared by name"] * anew + [
        f"{kind}: no column and no rule says them"
        for kind, role in (("sentences", "text"), ("sessions", "session"), ("emotions", "emotion"))
        if not any(getattr(one, role) for one in split.recordings)
    ]


def _put_together(split: Split, found: Sequence[tuple[Finding, bool]], unchecked: Sequence[str]) -> Audit:
    wrong, notes = (tuple(finding for finding, is_wrong in found if is_wrong is which) for which in (True, False))
    return Audit(split, wrong, notes, tuple(unchecked))
