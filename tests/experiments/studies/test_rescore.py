"""The command that lets kept networks judge again: only judging may differ, nothing is trained, and what is there is left."""

import shutil
from dataclasses import replace

import pytest
from command_words import places

from experiments import catalogue
from experiments.catalogue.system import System
from experiments.studies import rescore
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.training import rescoring

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


@pytest.fixture
def words(small_corpus, kept, monkeypatch):
    """The command line but for the system; `tiny-adapted` differs from `tiny` in judging, `tiny-slower` in training."""
    tiny = catalogue.SYSTEMS["tiny"].preset
    for name, change in (("tiny-adapted", {"judging_batch_norm": "speaker"}), ("tiny-slower", {"learning_rate": 1e-5})):
        changed = System(name, replace(tiny, training=replace(tiny.training, **change)))
        monkeypatch.setitem(catalogue.SYSTEMS, name, changed)
    return [*places(small_corpus, kept), "--trained=tiny"]


def test_a_result_that_cannot_be_right_is_not_judged_again(words, kept, capsys):
    path = kept / "results/synthetic/tiny/08-seed0.json"
    text = path.read_text()
    try:
        path.write_text(text.replace('"recipe_hash": "', '"recipe_hash": "0'))
        assert rescore.main([*words, "--system=tiny-adapted", "--seeds=0"]) == 1
        assert f"{path}: recipe_hash is '0" in capsys.readouterr().err
    finally:
        path.write_text(text)
        shutil.rmtree(kept / "results/synthetic/tiny-adapted", ignore_errors=True)


def test_the_networks_of_all_folds_judge_and_are_found_under_the_new_name(words, kept, monkeypatch, capsys):
    assert rescore.main([*words, "--system=tiny-adapted"]) == 0
    assert capsys.readouterr().out == "3 results of tiny-adapted\n"
    for speaker in ("03", "08", "09"):
        before, after = (
            RunResult.load(kept / "results/synthetic" / system / f"{speaker}-seed0.json") for system in ("tiny", "tiny-adapted")
        )
        assert after.config["training"] == {**before.config["training"], "judging_batch_norm": "speaker"}
        assert after.utterances != before.utterances and after.validation_utterances != before.validation_utterances
        assert after.validation_curve == before.validation_curve
        kept_as, found = (kept / "models/synthetic" / system / f"{speaker}-seed0.keras" for system in ("tiny", "tiny-adapted"))
        assert found.samefile(kept_as)

    def never(*_):
        raise AssertionError("judged again")

    monkeypatch.setattr(rescoring, "rescore", never)
    assert rescore.main([*words, "--system=tiny-adapted"]) == 0
    assert capsys.readouterr().out == "0 results of tiny-adapted\n"


def test_another_training_and_missing_networks_are_named(words, kept, capsys):
    assert rescore.main([*words, "--system=tiny-slower"]) == 1
    error = capsys.readouterr().err
    assert f"{kept / 'models/synthetic/tiny/03-seed0.keras'}: tiny-slower differs from tiny in more than how it is scored" in error
    assert not (kept / "results/synthetic/tiny-slower").exists()
    assert rescore.main([*words, "--system=tiny-adapted", "--seeds=7"]) == 1
    assert f"missing: {kept / 'results/synthetic/tiny/03-seed7.json'}, " in capsys.readouterr().err
    assert rescore.main([word for word in words if not word.startswith("--models")] + ["--system=tiny-adapted"]) == 1
    assert capsys.readouterr().err.startswith("--models is missing, expected the folder")
