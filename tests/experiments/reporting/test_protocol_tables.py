"""Tables of other conditions: speakers put together from their sentences, and adaptation by what was heard."""

import dataclasses

import pytest
from sample_results import sample_result

from experiments.reporting import protocol_tables
from ser_acrnn.evaluation.summary import Summary


def part(speaker, texts, seed=0, system="tiny", right=(1, 1, 1, 1)):
    result = sample_result(f"{speaker}-{texts}", seed, system, right=right, protocol="leave-one-speaker-and-texts-out")
    return dataclasses.replace(result, fold={**result.fold, "validation": "y"})


def test_a_speakers_sentences_are_put_together_and_incomplete_speakers_left_out():
    runs = [
        part("03", "a+b"),
        part("03", "c+d", right=(0, 1, 1, 1)),
        part("08", "a+b"),
        part("08", "c+d", right=(1, 1, 0, 0)),
        part("09", "a+b"),
    ]
    first, second = protocol_tables.by_speaker(runs)
    assert (first.fold["test"], second.fold["test"]) == ("03", "08") and first.fold["validation"] is None
    assert len(first.utterances) == 8 and first.decisions.count("sad") == 5
    assert {utterance["id"] for utterance in first.utterances} == {f"03-{texts}u{n}" for texts in ("a+b", "c+d") for n in range(4)}


def test_the_drop_is_paired_speaker_by_speaker():
    speakers = ("03", "08", "09")
    honest = [sample_result(speaker) for speaker in speakers] + [sample_result("03", system="other")]
    unheard = [part(speaker, texts, right=(1, 1, 1, 0)) for speaker in speakers for texts in ("a+b", "c+d")]
    text = protocol_tables.texts_table(Summary.of(honest), Summary.of(unheard))
    (row,) = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| tiny")]
    assert row[:5] == ["tiny", "3 x 1", "100.0 (100.0 to 100.0)", "75.0 (75.0 to 75.0)", "-25.00 (-25.0 to -25.0)"]
    assert "other" not in text
    assert protocol_tables.texts_table(Summary.of(honest), Summary.of([])) == ""


@pytest.mark.parametrize("leaky, rows", [({}, 0), ({"leaky-random": [sample_result("part0", protocol="leaky-random")]}, 1)])
def test_only_systems_under_both_protocols_are_set_beside_each_other(leaky, rows):
    honest = Summary.of([sample_result("03"), sample_result("03", system="other")])
    text = protocol_tables.leaky_table(honest, {protocol: Summary.of(results) for protocol, results in leaky.items()})
    assert text.count("leaky-random") == rows and "other" not in text


def test_adapted_networks_stand_by_what_they_have_heard():
    systems = {"best-adapted": (1, 1, 1, 1), "best-adapted.halves": (1, 1, 1, 0), "best-adapted.heard-8": (1, 1, 0, 0)}
    results = [sample_result(speaker, system=name, right=right) for name, right in systems.items() for speaker in ("03", "08")]
    text = protocol_tables.disjoint_table(Summary.of(results))
    (row,) = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| best-adapted")]
    assert row == ["best-adapted", "100.0", "75.0", "", "50.0", "2 / 2 / 0 / 2"]
    assert protocol_tables.disjoint_table(Summary.of(results[:2])) == ""
