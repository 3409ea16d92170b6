"""The intervals in use hold what they say; those that they replaced do not, by the same simulations."""

from pathlib import Path

import numpy as np
import pytest
from sample_results import sample_result

from experiments import catalogue
from experiments.studies import coverage
from ser_acrnn.evaluation.intervals import FEWEST_FOLDS
from ser_acrnn.evaluation.results import collect

SIMULATIONS = 4_000
WANTED = coverage.WANTED_PERCENT
# Three standard errors of a share that is as wanted.
TOLERANCE = 3 * np.sqrt(WANTED * (100 - WANTED) / SIMULATIONS)
COMMITTED = Path(__file__).parents[3] / "results" / "emodb"


def covers(population):
    """Percent by which of the four intervals, and by the number of folds, from five on."""
    folds = range(coverage.ENOUGH_FOLDS, coverage.FOLDS.stop)
    return np.array([coverage.coverage(population, number, 22, SIMULATIONS) for number in folds]).T


def test_from_five_folds_on_the_intervals_cover_normal_folds_and_the_bootstrap_does_not():
    percentile, studentised, t, strictest = covers(coverage.normal)
    assert (t >= WANTED - TOLERANCE).all() and (t <= 95 + TOLERANCE).all()
    assert (percentile < WANTED - TOLERANCE).all()
    np.testing.assert_allclose(studentised, 95, atol=2)
    np.testing.assert_allclose(strictest, 100 * (1 - 0.05 / 22), atol=3 * 100 * np.sqrt(0.05 / 22 / SIMULATIONS))


@pytest.mark.slow
def test_they_cover_folds_drawn_from_the_committed_results():
    sources = coverage.populations(catalogue.with_ensembles(collect(COMMITTED)))
    for name in ("fold means of all systems", "paired differences"):
        percentile, _, t, _ = covers(sources[name])
        assert (t >= WANTED - TOLERANCE).all(), name
        assert (percentile < WANTED - TOLERANCE).all(), name


def test_a_beta_distribution_has_the_mean_and_deviation_that_were_asked_for():
    values = coverage.beta(80, 10)(np.random.default_rng(0), (1_000, 200))
    assert abs(values.mean()) < 0.001 and values.std() == pytest.approx(0.1, abs=0.001)
    assert values.min() > -0.8 and values.max() < 0.2


def test_what_is_drawn_are_deviations_from_each_rows_mean():
    population = coverage.drawn([np.array([1.0, 2.0, 6.0]), np.array([50.0, 50.0, 53.0]), np.array([0.0, 99.0])])
    assert set(np.unique(population(np.random.default_rng(0), (100, 10)))) == {-2, -1, 3, 2}
    with pytest.raises(ValueError, match="no system has been run on 3 folds"):
        coverage.drawn([np.array([0.0, 99.0])])


def test_the_percentile_bootstrap_is_that_of_whole_folds():
    means, rng = np.random.default_rng(1).normal(size=(1, 8)), np.random.default_rng(2)
    ((low, high),) = coverage.percentile_bootstrap(means, coverage.resamples(8, rng))
    again = means[0][rng.integers(0, 8, (20_000, 8))].mean(axis=1)
    np.testing.assert_allclose([low, high], np.quantile(again, [0.025, 0.975]), atol=0.06)


def test_the_command_writes_the_same_page_again(tmp_path, monkeypatch, capsys):
    for number, speaker in enumerate(("03", "08", "09", "10")):
        for system, hits in (("lite", number % 2), ("lite-augmented", 1)):
            right = (1, hits, 1, number // 2)
            sample_result(speaker, system=system, right=right).save(tmp_path / "emodb" / system / f"{speaker}-seed0.json")
    words = ["emodb", "--results", str(tmp_path), "--simulations", "200"]
    assert coverage.main(words) == 0
    text = (tmp_path / "emodb" / "coverage.md").read_text()
    assert text in capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    assert rows[0][2:-1] == [str(folds) for folds in coverage.FOLDS] and int(rows[0][2]) == FEWEST_FOLDS
    assert {row[0] for row in rows[2:]} >= {"normal", "fold means of all systems", "paired differences"}
    assert "t at 95.00 %" in text and "among the 1 comparisons" in text
    assert coverage.main(words) == 0 and (tmp_path / "emodb" / "coverage.md").read_text() == text
    assert coverage.main(["emodb", "--results", str(tmp_path / "none")]) == 1
    assert "holds no result" in capsys.readouterr().err
