"""The folder of a training on a CSV of one's own: what stands there, and whether it is of this training.

It holds `results/<system>/<tested>-seed<N>.json` and the corpus that they are of, `results/corpus.csv`; `report.md` with its tables and
figures; `model.keras`, and what it learned from, `training.json`. `work/` holds the checkpoints of what was interrupted, and
`tensorboard/` scalars of each training where they were asked for. What is finished or begun there is never replaced: another training
needs another folder.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_acrnn import files, locks
from ser_acrnn.config import Preset
from ser_acrnn.evaluation import report, results_manifest
from ser_acrnn.evaluation.identity import Run

if TYPE_CHECKING:  # heavy, and a command looks at its folder first
    from ser_acrnn.training.job import Job

NETWORK, RECORD = "model.keras", "training.json"
BEGUN = "begun.json"  # in `work/`, while there is something to be gone on with
_ELSEWHERE = "move it away or give another folder"


def written(out: Path) -> list[Path]:
    """What a training writes at the top of its folder, and would write over."""
    return [out / name for name in (NETWORK, RECORD, *report.FILES)]


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Writes into a folder as the only training while the block runs.

    Raises:
        LockedError: Another training writes there.
        ValueError: It is a file.
    """
    _check_folder(out)
    try:
        with locks.lock(out / "work" / "lock"):
            yield
    except locks.LockedError as error:
        raise locks.LockedError(f"{out}: another training writes there; wait for its end or give another folder ({error})") from None


def settle(job: Job, out: Path, seeds: Collection[int] = ()) -> None:
    """Makes sure, before anything is computed, that what is finished or begun in a folder is of this training.

    Args:
        job: What is to be trained.
        out: The folder.
        seeds: Of the runs of each fold; those with the network's seed are looked at anyway. Without any, no report is to be written.

    Raises:
        ValueError: A result, the network or something unfinished is there, but of another configuration, of other recordings or labels,
            or begun with other weights; or something else stands where the report will be.
    """
    _check_folder(out)
    results = out / "results"
    if strangers := {path.parent.name for path in results.glob("*/*-seed*.json")} - {job.system}:
        raise ValueError(f"{results}: holds results of {min(strangers)!r}, expected {job.system!r} alone; give another folder")
    if results_manifest.read(results) is not None:
        results_manifest.settle(results, results_manifest.rows_of(job.corpus.manifest))
    elif any(results.glob("*/*-seed*.json")):
        raise ValueError(
            f"{results / results_manifest.MANIFEST}: is missing, expected the corpus of the results there; give another folder"
        )
    _check_begun(job, out)
    for seed in sorted({job.seed, *seeds}):
        for fold in job.folds:
            job.finished(fold, seed, out)
    if finished_network(job, out) is None and seeds and job.folds and not results.exists():
        _check_report(out)


def unfinished(job: Job, out: Path, seeds: Iterable[int]) -> list[Run]:
    """The runs whose results are not there, in the order in which they are trained.

    Raises:
        ValueError: See `settle`.
    """
    return [job.run(fold, seed) for seed in seeds for fold in job.folds if job.finished(fold, seed, out) is None]


def finished_network(job: Job, out: Path) -> Path | None:
    """The network that a training has left in a folder, None where there is none.

    Raises:
        ValueError: It is there, but of another training, or nobody knows of which.
    """
    path, record = out / NETWORK, out / RECORD
    if not path.exists():
        return None
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
        network = facts["network"]
        complaint = _complaint(facts, job)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: nobody knows what it learned from ({record}: {error}), expected a finished training; {_ELSEWHERE}"
        ) from error
    if network != files.sha256(path):
        raise ValueError(f"{path}: was changed since it was trained, expected the sha256 {network}; {_ELSEWHERE}")
    if complaint:
        raise ValueError(f"{path}: {complaint}; {_ELSEWHERE}")
    return path


def _check_report(out: Path) -> None:
    """Raises a ValueError where somebody's file stands in the place of the report of a training that has no result yet."""
    if there := [path for path in written(out) if path.name in report.FILES and path.exists()]:
        raise ValueError(f"{there[0]}: stands where the report will be, and nobody knows what it is; {_ELSEWHERE}")


def facts_of(job: Job) -> dict[str, Any]:
    """What a training is told from others by."""
    return {"recordings": job.recordings, "initial_weights": job.origin, "seed": job.seed, "configuration": job.preset.to_dict()}


def begin(job: Job, out: Path) -> None:
    """Notes whose checkpoints will lie in a folder."""
    files.write_text(out / "work" / BEGUN, json.dumps(facts_of(job)))


def _check_begun(job: Job, out: Path) -> None:
    """Raises a ValueError where what was interrupted in a folder is of another training."""
    note = out / "work" / BEGUN
    if not any(note.parent.glob("*.npz")):
        return
    try:
        complaint = _complaint(json.loads(note.read_text(encoding="utf-8")), job)
    except (OSError, ValueError, KeyError, TypeError):
        return  # of an earlier version; the checkpoint knows its own training
    if complaint:
        raise ValueError(f"{note.parent}: what was interrupted there {complaint}; {_ELSEWHERE}")


def _complaint(facts: Mapping[str, Any], job: Job) -> str:
    """In what a training differs from the one that some facts are of; "" in nothing."""
    if facts["recordings"] != job.recordings:
        return f"learned from other recordings or labels, expected those of {job.corpus.name}"
    if Preset.from_dict(facts["configuration"]) != job.preset:
        return "is the result of another configuration, expected this one's"
    if (seed := facts.get("seed", 0)) != job.seed:  # before seeds could be chosen it was none but this
        return f"was trained with the seed {seed}, expected {job.seed}"
    if (weights := facts["initial_weights"]) != job.origin:
        return f"began with the weights {weights[:12] or 'that its seed draws'}, expected others"
    return ""


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out}: is a file, expected a folder")
