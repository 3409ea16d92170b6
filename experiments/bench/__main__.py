"""The command that measures, prints a table, and keeps it as JSON and as a figure.

python -m experiments.bench [--quick] [--emodb DIR] [--only features,records] [--write results/bench]
"""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from data_prep import command
from experiments.bench.harness import Row, table
from ser_acrnn import __version__
from ser_acrnn.config import PRESETS, ModelConfig, paper_conv
from ser_acrnn.evaluation import drawing


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is measured on."""

    emodb: Annotated[Path | None, typer.Option(help="the real corpus (default: the embedded one)")] = None
    quick: Annotated[bool, typer.Option("--quick", help="fewer rounds and smaller sizes: whether it works, not how fast")] = False


def _features(options: Options) -> list[Row]:
    import tempfile

    from data_prep.corpora import emodb
    from data_prep.synthetic import emodb as synthetic
    from experiments.bench import features
    from ser_acrnn import audio

    with tempfile.TemporaryDirectory() as folder:
        if options.emodb is None:
            synthetic.write_emodb_like(folder)
        found = emodb.utterances(options.emodb or folder)
        return features.rows([audio.load(utterance.path) for utterance in found[: 40 if options.quick else 200]], options.quick)


def _records(options: Options) -> list[Row]:
    from experiments.bench import records

    return records.rows(options.quick)


def _steps(options: Options) -> list[Row]:
    from experiments.bench import step

    found = []
    for name, config in _networks(options.quick).items():
        large = name == "5 conv"  # its steps are long, up to half a minute: one is enough
        found += step.rows(name, config, 1 if options.quick or large else 3, xla=not large)
    return found


def _loop(options: Options) -> list[Row]:
    from experiments.bench import loop

    networks = {name: config for name, config in _networks(options.quick).items() if name != "5 conv"}
    return [row for name, config in networks.items() for row in loop.rows(name, config, 1 if options.quick else 5)]


def _networks(quick: bool) -> dict[str, ModelConfig]:
    light = {name: PRESETS[name].model for name in (("tiny",) if quick else ("tiny", "lite"))}
    return light if quick else {**light, **{f"{layers} conv": ModelConfig(conv=paper_conv(layers)) for layers in (1, 5)}}


def _inference(options: Options) -> list[Row]:
    from experiments.bench import inference

    return inference.rows(options.quick)


def _startup(options: Options) -> list[Row]:
    from experiments.bench import startup

    return startup.rows(options.quick)


def _predicting(options: Options) -> list[Row]:
    from experiments.bench import predicting

    return predicting.rows(options.quick)


def _serving(options: Options) -> list[Row]:
    from experiments.bench import serving

    return serving.rows(options.quick)


def _corpus(options: Options) -> list[Row]:
    from experiments.bench import corpus

    return corpus.rows("emodb" if options.emodb else None, options.emodb, None)


def _look_alike(options: Options) -> list[Row]:
    from experiments.bench import corpus

    return corpus.rows(None, None, 0.05 if options.quick else 1.0)


def _growth(options: Options) -> list[Row]:
    from experiments.bench import growth

    return growth.rows(0.01 if options.quick else 0.125, 1 if options.quick else 3)


# Each in a process of its own; some on one thread.
GROUPS: dict[str, Callable[[Options], list[Row]]] = {
    "startup": _startup,
    "predicting": _predicting,
    "serving": _serving,
    "features": _features,
    "records": _records,
    "corpus": _corpus,
    "look-alike": _look_alike,
    "growth": _growth,
    "steps": _steps,
    "loop": _loop,
    "inference": _inference,
}
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}


@command.entry
def main(
    options: Options,
    only: Annotated[str, typer.Option(metavar="GROUPS", help="some of the default")] = ",".join(GROUPS),
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="also keep figures there, as JSON, Markdown and PNG named by the day")
    ] = None,
    inside: Annotated[Literal[*GROUPS] | None, typer.Option(hidden=True)] = None,
) -> int:
    """Measures each group in a process of its own; exit code 1 when one failed."""
    if inside:
        print(json.dumps([asdict(row) for row in GROUPS[inside](options)]))
        return 0
    groups = only.split(",")
    if unknown := sorted(set(groups) - set(GROUPS)):
        raise typer.BadParameter(f"--only is {only}, expected some of {', '.join(GROUPS)}, not {', '.join(unknown)}")
    rows, failed = [], []
    for group in groups:
        try:
            rows += _measure(group, options)
        except subprocess.CalledProcessError:  # it has said why; what others measured is kept
            failed.append(group)
    print(table(rows))
    if write and rows:
        print(f"kept in {_keep(rows, write)}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _measure(group: str, options: Options) -> list[Row]:
    words = [sys.executable, "-m", "experiments.bench", "--inside", group]
    words += ["--quick"] if options.quick else []
    words += ["--emodb", str(options.emodb)] if options.emodb else []
    environment = {**os.environ, **(ONE_THREAD if group in ("features", "predicting") else {})}
    print(f"measuring {group} ..", file=sys.stderr)
    output = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
    return [Row(**fields) for fields in json.loads(output.splitlines()[-1])]


def _keep(rows: Sequence[Row], directory: Path) -> Path:
    """Writes `<day>.json`, `.md` with the table and `.png` with the ratios; the second time in a day `<day>-2`."""
    from ser_acrnn.training.devices import place

    directory.mkdir(parents=True, exist_ok=True)
    day = str(datetime.date.today())
    names = (day, *(f"{day}-{number}" for number in range(2, 1000)))
    path = next(directory / f"{name}.json" for name in names if not (directory / f"{name}.json").exists())
    device = {"device": place("auto", 1).description, "instructions": _instructions()}
    facts = {"version": __version__, **device, "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    lines = (f"Version {__version__}, {device['device']}, {' '.join(_instructions())}.", table(rows))
    path.with_suffix(".md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    _figure(rows, path.with_suffix(".png"))
    return path


def _instructions() -> list[str]:
    """Which vector and matrix instructions the processor has: what figures of processors of the same name may differ by."""
    try:
        flags = set(re.findall(r"\b(?:fma|avx\w*|amx\w*|asimd\w*|sve\w*|bf16)\b", Path("/proc/cpuinfo").read_text(encoding="utf-8")))
    except OSError:
        return []
    return sorted(flags)


def _figure(rows: Sequence[Row], path: Path) -> None:
    from matplotlib.figure import Figure

    shown = [row for row in rows if row.ratio is not None][::-1]
    figure = Figure(figsize=(9, 1 + 0.3 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(shown)), [row.ratio or 0 for row in shown], color="tab:blue")
    axes.set_yticks(range(len(shown)), [f"{row.group}: {row.what}, beside {row.yardstick}" for row in shown], fontsize=7)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("times better than the yardstick, measured in the same run")
    drawing.save(figure, path)


if __name__ == "__main__":
    sys.exit(main())
