"""The card of a shipped network says no more of its differences than the report's tables do."""

import json

import pytest
from sample_results import sample_result

from experiments import catalogue
from experiments.catalogue import ablations
from experiments.reporting import model_cards, tables
from ser_acrnn.evaluation import report
from ser_acrnn.evaluation.comparison import paired_differences
from ser_acrnn.evaluation.summary import Summary

ABOUT = {
    "corpus": "emodb",
    "system": "best-by-speaker",
    "normalisation": "speaker",
    "parameters": 1,
    "recipe_hash": "0",
    "seed": 0,
    "epochs": 1,
    "precision": "float32",
    "backend": "keras",
    "device": "cpu",
}
SPEAKERS = ("03", "08", "09", "10", "11")
RIGHT = {
    "best-by-speaker": [(1, 0, 1, 0)] * 5,
    "best-by-speaker.as-spoken": [(0, 0, 1, 0)] * 5,
    "best-by-speaker.dropout": [(1, 0, 1, 0)] * 5,
    # On four of five speakers a quarter better: p = 0.016 alone, but 0.11 among the seven comparisons of the report that there are runs of.
    "adapted-by-speaker": [(1, 1, 1, 0)] * 4 + [(1, 0, 1, 0)],
    "best-by-training": [(1, 0, 1, 0)] * 5,
    "best-by-utterance": [(1, 0, 1, 0)] * 5,
    "adapted-by-training": [(1, 0, 1, 0)] * 5,
    "adapted-by-utterance": [(1, 0, 1, 0)] * 4 + [(1, 1, 1, 1)],
}


@pytest.fixture
def results(tmp_path):
    found = [
        sample_result(speaker, system=system, right=right)
        for system, each in RIGHT.items()
        for speaker, right in zip(SPEAKERS, each, strict=True)
    ]
    for result in found:
        result.save(tmp_path / "results" / "emodb" / result.system / f"{result.fold['test']}-seed0.json")
    return catalogue.with_ensembles(found)


def test_a_difference_that_does_not_survive_its_table_is_within_chance_on_the_card_too(results, tmp_path):
    (tmp_path / "index.json").write_text(json.dumps({"network": ABOUT}))
    text = model_cards.write("network", tmp_path / "results", tmp_path).read_text()
    lines = {line.split(":")[0].removeprefix("- "): line for line in text.splitlines() if line.startswith("- heard")}
    spoken, adapted = lines["heard as it is spoken, a fifth of the work"], text[text.index("`enrol`): ") :].splitlines()[0]
    assert "-25.0 points (-25.0 to -25.0, 5 pairs of runs, loss)" in spoken
    assert "+20.0 points (+6.1 to +33.9, 5 pairs of runs, within chance)" in adapted
    (alone,) = paired_differences(results, [("adapted-by-speaker", "best-by-speaker")])
    assert alone.verdict == "gain", "a difference that its table does not take back would show nothing"
    shown = report.tables(Summary.of(results), {}, catalogue.PAIRS)
    (row,) = [line for line in shown.splitlines() if line.startswith("| adapted-by-speaker less best-by-speaker ")]
    assert row.split("|")[-2].strip() == "within chance"
    (row,) = [
        line for line in tables.ablation_table("best-by-speaker", Summary.of(results)).splitlines() if line.startswith("| as-spoken ")
    ]
    assert row.split("|")[-2].strip() == "loss" and "as-spoken" in ablations.CHANGES["best-by-speaker"]
