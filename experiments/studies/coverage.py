"""How often a 95 % interval holds the mean that it is of: simulated for the intervals in use, and for the bootstrap that they replaced.

python -m experiments.studies.coverage emodb
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import numpy as np
import typer
from numpy.random import Generator
from numpy.typing import NDArray

from data_prep import command, loader
from experiments import catalogue
from experiments.catalogue import ablations
from experiments.options import RESULTS, Results
from ser_acrnn import files
from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.intervals import CHANCE, FEWEST_FOLDS, LEVEL, t_interval
from ser_acrnn.evaluation.results import RunResult, collect
from ser_acrnn.evaluation.results_check import folder_name
from ser_acrnn.evaluation.summary import scores

FOLDS = range(FEWEST_FOLDS, 13)
ENOUGH_FOLDS, WANTED_PERCENT = 5, 94  # what is asked of an interval: so much coverage from so many folds on
SIMULATIONS = 20_000
BOOTSTRAPPED = 10_000  # of them; resampling is what takes time
RESAMPLES = 1_000
TAILS = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
CHUNK = 500  # simulations whose resamples are held in memory at once

# Deviations of folds' means from the true mean, of a given shape.
Population = Callable[[Generator, tuple[int, int]], NDArray[np.float64]]


def resamples(folds: int, rng: Generator) -> NDArray[np.float64]:
    """The share of each fold in resamples of whole folds, shape `(RESAMPLES, folds)`; the same for all simulations."""
    return rng.multinomial(folds, np.full(folds, 1 / folds), RESAMPLES) / folds


def percentile_bootstrap(means: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The interval that reports had before: quantiles of the means of resamples.

    Args:
        means: Shape `(simulations, folds)`.
        shares: The shares of `resamples`.

    Returns:
        Lower and upper end, shape `(simulations, 2)`.
    """
    return np.quantile(means @ shares.T, TAILS, axis=1).T


def studentised_bootstrap(means: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Student's t with quantiles of the resamples' t instead of the theory's; arguments as in `percentile_bootstrap`."""
    centre, deviation = means.mean(axis=1, keepdims=True), means.std(axis=1, keepdims=True)
    again = means @ shares.T
    with np.errstate(divide="ignore", invalid="ignore"):  # a resample of one fold alone deviates by nothing
        t = (again - centre) / np.sqrt(np.maximum((means**2) @ shares.T - again**2, 0))
        return centre - np.quantile(t, TAILS[::-1], axis=1, method="inverted_cdf").T * deviation


def coverage(population: Population, folds: int, comparisons: int, simulations: int = SIMULATIONS, seed: int = 0) -> list[float]:
    """The share of simulations whose interval holds the true mean, percent.

    Args:
        population: What the folds are drawn from.
        folds: How many.
        comparisons: In a family: the strictest of Holm's tests has a level of `CHANCE` divided by this.
        simulations: How many.
        seed: The seed of the draws.

    Returns:
        Of the percentile and the studentised bootstrap, of the t interval, and of the t interval at the level of the strictest test.
    """
    rng = np.random.default_rng([seed, folds])
    means, shares = population(rng, (simulations, folds)), resamples(folds, rng)
    parts = [means[at : at + CHUNK] for at in range(0, min(simulations, BOOTSTRAPPED), CHUNK)]
    intervals = [
        np.concatenate([percentile_bootstrap(part, shares) for part in parts]),
        np.concatenate([studentised_bootstrap(part, shares) for part in parts]),
        t_interval(means),
        t_interval(means, 1 - CHANCE / comparisons),
    ]
    return [100 * float(np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0))) for ends in intervals]


def normal(rng: Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Normal folds."""
    return rng.normal(size=shape)


def beta(mean: float, deviation: float) -> Population:
    """Folds between 0 and 100 %, skewed away from the nearer one: a beta distribution of this mean and standard deviation, percent."""
    share = mean / 100
    size = share * (1 - share) / (deviation / 100) ** 2 - 1
    return lambda rng, shape: rng.beta(share * size, (1 - share) * size, shape) - share


def drawn(rows: Sequence[NDArray[np.float64]]) -> Population:
    """Folds drawn with replacement from those that were found: each row's deviations from its mean, all rows together.

    Args:
        rows: Each of shape `(folds,)`; those with fewer than `FEWEST_FOLDS` are passed over.

    Raises:
        ValueError: There is no other.
    """
    if not (usable := [row - row.mean() for row in rows if len(row) >= FEWEST_FOLDS]):
        raise ValueError(f"no system has been run on {FEWEST_FOLDS} folds, expected one to draw from")
    pool = np.concatenate(usable)
    return lambda rng, shape: rng.choice(pool, shape)


def paired(results: Sequence[RunResult]) -> list[tuple[str, str]]:
    """The pairs of the report's table of which both systems were run."""
    systems = {result.system for result in results}
    return [pair for pair in catalogue.PAIRS if set(pair) <= systems]


def populations(results: Sequence[RunResult]) -> dict[str, Population]:
    """What folds are drawn from, by name.

    Args:
        results: The results of one corpus, with those that judge together.
    """
    seeds = 100 * scores(results).pivot(index=["system", "seed"], columns="speaker", values="uar")
    means = {str(system): row.dropna().to_numpy() for system, row in seeds.groupby("system").mean().iterrows()}
    changes = [pair for base in ablations.CHANGES for pair in ablations.pairs(base) if set(pair) <= means.keys()]
    differences = [(seeds.loc[first] - seeds.loc[second]).mean().dropna().to_numpy() for first, second in (*paired(results), *changes)]
    return {
        "normal": normal,
        "fold means of all systems": drawn([*means.values()]),
        "fold means, changed systems left out": drawn([row for system, row in means.items() if not catalogue.entry(system).base]),
        "paired differences": drawn(differences),
        "beta, mean 80 %, deviation 10 points": beta(80, 10),
        "beta, mean 90 %, deviation 10 points": beta(90, 10),
    }


def page(title: str, sources: Mapping[str, Population], comparisons: int, simulations: int = SIMULATIONS) -> str:
    """The study as Markdown."""
    found = {name: np.array([coverage(source, folds, comparisons, simulations) for folds in FOLDS]).T for name, source in sources.items()}
    strictest = f"t at {100 * (1 - CHANCE / comparisons):.2f} %"
    names = ("percentile bootstrap", "studentised bootstrap", "t, in use", strictest)
    enough = list(FOLDS).index(ENOUGH_FOLDS)
    rows = [
        [source, name, *(f"{percent:.1f}" for percent in line), f"{line[enough:].min():.1f}"]
        for source, lines in found.items()
        for name, line in zip(names, lines, strict=True)
    ]
    heads = ["folds are drawn from", "interval", *map(str, FOLDS), f"least from {ENOUGH_FOLDS} on"]
    least = {source: lines[names.index("t, in use"), enough:].min() for source, lines in found.items()}
    held, short = (
        "; ".join(f"{source} ({percent:.1f} %)" for source, percent in least.items() if bool(percent >= WANTED_PERCENT) is right) or "none"
        for right in (True, False)
    )
    return f"""# Coverage of the intervals: {title}

How many of a hundred intervals hold the true mean, by the number of folds. {simulations:,} seeded simulations each, of folds that are
drawn independently; {min(simulations, BOOTSTRAPPED):,} of them are bootstrapped too.

{report.markdown_table(heads, rows)}

From {ENOUGH_FOLDS} folds on, the t interval holds the mean in {WANTED_PERCENT} % of the simulations or more where folds are drawn from:
{held}.
It falls short of that, by the least that it reaches, where they are drawn from:
{short}.
With fewer than {FEWEST_FOLDS} folds there is no interval.

- Fold means and paired differences are those of the committed results: the deviations of each system's, or pair's, folds from their mean,
  all put together. A beta distribution lies between 0 and 100 % and is skewed. 80 and 10 are about what `best` has; a mean of 90 % with
  as wide a deviation is a harder case than any system that comes near it.
- The percentile bootstrap is what these reports had before; both bootstraps take {RESAMPLES:,} resamples of whole folds. The studentised
  one has quantiles of the resamples' t instead of the theory's; with few folds it has no end, since a resample of one fold alone has no
  deviation.
- {strictest} is what the strictest of the tests goes by that Holm's correction makes among the {comparisons} comparisons of the
  report. What its coverage lacks of a hundred is, {comparisons} times, about the chance that one of them is called a gain or a loss where
  nothing differs.
- What no simulation here says: folds share most of their training speakers, and all choices were made on the same voices. An interval is
  of the speakers who are judged, not of what another training set would give.
"""


@command.entry
def main(
    corpus: Annotated[str, typer.Argument(help=f"whose results folds are drawn from: one of {', '.join(loader.names())}, or a variant")],
    results: Results = RESULTS,
    simulations: Annotated[int, typer.Option(min=1, help="of each number of folds")] = SIMULATIONS,
) -> None:
    """Writes the study beside the results, and prints it."""
    facts = catalogue.corpus(corpus)
    folder = results / folder_name(facts.name, facts.protocol)
    every = catalogue.with_ensembles(collect(folder))
    text = page(facts.title, populations(every), max(1, len(paired(every))), simulations)
    path = folder / "coverage.md"
    files.write_text(path, text)
    print(f"{text}\n{path}")


if __name__ == "__main__":
    sys.exit(main())
