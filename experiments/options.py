"""The options that commands share: of a run and of the grid, and of where jobs are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from experiments import catalogue
from ser_acrnn.evaluation.protocol import PROTOCOLS

Precision = Annotated[
    Literal["auto", "float32", "bfloat16"] | None,
    typer.Option(help="instead of the system's own; auto: bfloat16 where there are units for it"),
]
PreparedCorpora = Annotated[
    Sequence[Path],
    typer.Option(parser=lambda text: [Path(part) for part in text.split(",")], metavar="DIR,...", help="prepared corpora of any recipe"),
]
Epochs = Annotated[int | None, typer.Option(min=1, help="of each training, instead of the recipe's own")]
KeptModels = Annotated[Path, typer.Option(help="folder of the folds' networks")]
Protocol = Annotated[Literal[*PROTOCOLS] | None, typer.Option(help="what a fold leaves out (default: the corpus's own)")]
Results = Annotated[Path, typer.Option(help="folder of the result files")]
Seeds = Annotated[Sequence[int], typer.Option(parser=catalogue.number_list, metavar="LIST", help="such as 0-2")]
Source = Annotated[Path, typer.Option(help="folder of the corpus's audio")]
FunctionalsWork = Annotated[Path, typer.Option(help="folder that keeps the functionals")]
Work = Annotated[Path, typer.Option(help="folder of checkpoints, locks and logs")]

RESULTS, WORK = Path("results"), Path("build/work")


@dataclass(frozen=True, kw_only=True)
class GridOptions:
    """The options that one run, the grid and what goes on from kept networks share."""

    prepared: Annotated[Path, typer.Option(help="a prepared corpus: its folder, or a packed .npz")]
    protocol: Protocol = None
    results: Results = RESULTS
    work: Work = WORK
    models: Annotated[Path | None, typer.Option(help="also keep the networks: <this>/<corpus>/<system>/<tested>-seed<N>.keras")] = None
    precision: Precision = None
    conditions: Annotated[
        bool, typer.Option("--conditions", help="judge by all conditions of the system as well, and after every epoch, from one training")
    ] = False
    epochs: Annotated[int | None, typer.Option(min=1, help="bound of the epochs, instead of the system's own")] = None
    devices: Annotated[
        str,
        typer.Option(help="auto: the first GPU, or the processor; cpu; gpu:N: N GPUs share every batch; cpu:N: logical CPUs, to test that"),
    ] = "auto"


@dataclass(frozen=True, kw_only=True)
class ExecutorOptions:
    """The options of every command that has jobs computed; what only SLURM takes is None where it is not given."""

    work: Work = WORK
    jobs: Annotated[int | None, typer.Option(min=1, help="at a time (default: 1, which share the processors; all at once on SLURM)")] = None
    executor: Annotated[Literal["local", "slurm"], typer.Option(help="where to compute")] = "local"
    partition: Annotated[str | None, typer.Option(help="on SLURM (default: the cluster's)")] = None
    gpus: Annotated[int | None, typer.Option(min=0, help="on SLURM, GPUs a job (default: 0)")] = None
    cpus: Annotated[int | None, typer.Option(min=1, help="on SLURM, processors a job (default: 1)")] = None
    memory: Annotated[float | None, typer.Option(metavar="GB", help="on SLURM, memory a job (default: the cluster's)")] = None
    hours: Annotated[
        float | None, typer.Option(help="on SLURM, limit in hours; a job that reaches it is requeued and goes on (default: 24)")
    ] = None
    detach: Annotated[bool | None, typer.Option("--detach", help="on SLURM, submit and return; the same command shows the end")] = None
