"""Single runs of one fold and seed in other conditions -> a table that sets them beside each other."""

from __future__ import annotations

from pathlib import Path

from docs.hooks.sources import ROOT
from ser_acrnn.evaluation import metrics
from ser_acrnn.evaluation.results import RunResult

# Mark -> the result files that stand beside each other.
TABLES = {
    "<!-- backends -->": ("results/jax/emodb/tiny/03-seed0.json", "results/emodb/tiny/03-seed0.json"),
    "<!-- precisions -->": ("results/float32/emodb/acrnn3d-1conv/03-seed0.json", "results/emodb/acrnn3d-1conv/03-seed0.json"),
}


def table(paths: tuple[str, ...], root: Path = ROOT) -> str:
    """A row a result file."""
    lines = [
        "| system, test speaker, seed | computed by | precision | epochs | chosen | validation speaker's UAR, % | test speaker's UAR, % |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for path in paths:
        run = RunResult.load(root / path)
        chosen = next(entry for entry in run.validation_curve if entry["epoch"] == run.chosen_epoch)
        uar = metrics.unweighted_average_recall(run.truth, run.decisions)
        lines.append(
            f"| {run.system}, {run.fold['test']}, {run.seed} | {run.backend} | {run.precision} | {len(run.validation_curve)} "
            f"| {run.chosen_epoch} | {100 * chosen['validation_uar']:.1f} | {100 * uar:.1f} |"
        )
    return "\n".join(lines)
