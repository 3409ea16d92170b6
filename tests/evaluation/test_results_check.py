"""What is refused when results are read: files that cannot be what they say, with a manifest beside them and without."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sample_results import sample_result

from experiments import catalogue
from experiments.grid.collected import results_of
from experiments.studies.transfer_curve import TransferResult
from ser_acrnn.evaluation import results_check
from ser_acrnn.evaluation.ensembles import ensemble, with_seed_ensembles
from ser_acrnn.evaluation.protocol import Fold
from ser_acrnn.evaluation.results import ResultError, RunResult, collect
from ser_acrnn.evaluation.results_check import Split
from ser_acrnn.evaluation.results_manifest import MANIFEST, Row, read, write

RESULTS = Path(__file__).parents[2] / "results"
# Whose validation speaker chooses, and where nobody validates.
CHOSEN, HEARD = "lite-augmented", "best-by-utterance"
ROWS = [Row(f"{speaker}{number}", speaker, speaker[0], "angry", "0") for speaker in ("1F", "1M", "2F", "2M") for number in range(2)]


@pytest.fixture
def folder(tmp_path):
    """A copy of the committed manifest and of some results."""
    copy = tmp_path / "emodb"
    copy.mkdir()
    for name in ("corpus.csv", "corpus.sha256"):
        shutil.copy(RESULTS / "emodb" / name, copy)
    for name in (f"{CHOSEN}/03-seed0", f"{CHOSEN}/08-seed0", f"{HEARD}/03-seed0", f"{HEARD}/03-seed1"):
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy(RESULTS / "emodb" / f"{name}.json", copy / f"{name}.json")
    assert len(collect(copy)) == 4
    return copy


def edit(path, change):
    """Changes the fields of a file."""
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


def swap(one, other):
    """Exchanges the contents of two files."""
    first, second = one.read_text(), other.read_text()
    one.write_text(second)
    other.write_text(first)


def flip(fields, name="utterances"):
    fields[name][3]["emotion"] = next(emotion for emotion in fields["emotions"] if emotion != fields[name][3]["emotion"])


def exchange_members(fields):
    fields["utterances"], fields["validation_utterances"] = fields["validation_utterances"], fields["utterances"]


WITH_MANIFEST = {
    "flipped label": (flip, r"utterances: 03\w+ is '\w+', expected '\w+' as the corpus has it"),
    "flipped validation label": (lambda fields: flip(fields, "validation_utterances"), r"validation_utterances: 08\w+ is '\w+', expected"),
    "dropped utterance": (lambda fields: fields["utterances"].pop(5), r"utterances: lacks 03\w+, expected all 49"),
    "dropped validation": (lambda fields: fields["validation_utterances"].pop(), r"validation_utterances: lacks 08\w+, expected all 58"),
    "utterance of another": (lambda fields: fields["utterances"][0].update(id="09a01Fa"), "utterances: has 09a01Fa"),
    "members exchanged": (exchange_members, r"utterances: has 08\w+"),
    "another validation speaker": (lambda fields: fields["fold"].update(validation="09"), r"fold is .*expected \{.*'validation': '08'"),
    "nobody validates": (lambda fields: fields["fold"].update(validation=None), r"fold is .*expected \{.*'validation': '08'"),
    "test speaker trained": (lambda fields: fields["fold"]["train"].append("03"), r"fold is .*expected \{"),
    "another protocol": (lambda fields: fields.update(protocol="leaky-random"), "protocol is 'leaky-random', expected 'leave-one-speaker"),
    "another corpus": (lambda fields: fields.update(corpus="iemocap"), "corpus is 'iemocap', expected 'emodb'"),
}
WITHOUT = {
    "recipe hash": (lambda fields: fields.update(recipe_hash="0" * 16), r"recipe_hash is '0{16}', expected 'd6348835ec436c29'"),
    "recipe": (lambda fields: fields["config"]["features"].update(mels=41), "recipe_hash is 'd6348835ec436c29', expected"),
    "short posteriors": (lambda fields: fields["utterances"][2]["posteriors"].pop(), r"utterances: 03\w+ has 6 posteriors, expected 7"),
    "NaN": (lambda fields: fields["utterances"][2].update(posteriors=[0.1] * 6 + [math.nan]), r"03\w+ has the posteriors .*nan.* finite"),
    "infinite": (lambda fields: fields["validation_utterances"][0].update(posteriors=[math.inf] * 7), r"08\w+ has the posteriors .*inf"),
    "twice": (lambda fields: fields["utterances"].append(fields["utterances"][0]), "03a01Fa occurs twice"),
    "no utterance": (lambda fields: fields.update(utterances=[]), "utterances is empty"),
    "emotions": (lambda fields: fields["emotions"].reverse(), "emotions are .*expected .* those of config.model"),
    "unknown label": (lambda fields: fields["utterances"][0].update(emotion="smug"), "03a01Fa is 'smug', expected one of"),
    "epoch": (lambda fields: fields.update(chosen_epoch=99), "chosen_epoch is 99, expected one of the curve's, 1 to"),
    "seed": (lambda fields: fields.update(seed=1), "seed is 1, expected those of the file's name"),
    "test": (lambda fields: fields["fold"].update(test="08"), "fold.test is '08' and seed is 0, expected those of the file's name"),
    "system": (lambda fields: fields.update(system="tiny"), "system is 'tiny', expected 'lite-augmented', its folder's name"),
    "no posteriors": (lambda fields: fields["utterances"][0].pop("posteriors"), "is not a result file .*posteriors"),
    "seconds": (lambda fields: fields.update(wall_seconds="x"), "wall_seconds is 'x', expected seconds"),
    "version": (lambda fields: fields.update(version=7), "version is 7, expected a text"),
    "words": (lambda fields: fields["utterances"][0].update(posteriors=list("abcdefg")), "is not a result file"),
}


@pytest.mark.parametrize("change, words", (WITH_MANIFEST | WITHOUT).values(), ids=(WITH_MANIFEST | WITHOUT).keys())
def test_a_changed_result_is_refused_by_its_name(folder, change, words):
    edit(folder / CHOSEN / "03-seed0.json", change)
    with pytest.raises(ResultError, match=rf"{CHOSEN}/03-seed0\.json: .*{words}"):
        collect(folder)


@pytest.mark.parametrize("change, words", WITHOUT.values(), ids=WITHOUT.keys())
def test_much_is_refused_without_a_manifest(folder, change, words):
    path = folder / CHOSEN / "03-seed0.json"
    edit(path, change)
    with pytest.raises(ResultError, match=rf"{CHOSEN}/03-seed0\.json: .*{words}"):
        RunResult.load_checked(path, None)


def test_folds_of_two_runs_that_were_swapped_are_refused(folder):
    one, other = folder / CHOSEN / "03-seed0.json", folder / CHOSEN / "08-seed0.json"
    swap(one, other)
    with pytest.raises(ResultError, match=r"03-seed0\.json: fold.test is '08' and seed is 0, expected those of the file's name"):
        collect(folder)
    swap(one, other)
    folds = [RunResult.load(path).fold for path in (one, other)]
    for path, fold in zip((one, other), reversed(folds), strict=True):
        edit(path, lambda fields, fold=fold: fields.update(fold=fold))
    with pytest.raises(ResultError, match=r"03-seed0\.json: fold.test is '08'"):
        collect(folder)
    # Contents and folds: each file says what its name says, of the other's utterances.
    swap(one, other)
    with pytest.raises(ResultError, match=r"03-seed0\.json: utterances: has 08\w+"):
        collect(folder)


def test_seeds_that_were_swapped_are_refused(folder):
    swap(folder / HEARD / "03-seed0.json", folder / HEARD / "03-seed1.json")
    with pytest.raises(ResultError, match=r"03-seed0\.json: fold.test is '03' and seed is 1, expected"):
        collect(folder)


def test_where_the_validation_speaker_trains_too_the_fold_has_to_say_so(folder):
    chosen = RunResult.load(folder / CHOSEN / "03-seed0.json").fold
    edit(folder / HEARD / "03-seed0.json", lambda fields: fields.update(fold=chosen))
    with pytest.raises(ResultError, match=rf"{HEARD}/03-seed0\.json: fold is .*expected \{{.*'validation': None"):
        collect(folder)


def test_an_edited_manifest_is_refused(folder):
    path = folder / MANIFEST
    path.write_text(path.read_text().replace("03a01Fa,03,,happy", "03a01Fa,03,,sad"))
    with pytest.raises(ResultError, match=r"emodb/corpus\.csv: was changed"):
        collect(folder)


def test_without_a_manifest_the_protocol_is_still_that_of_the_folders_name(folder):
    for name in ("corpus.csv", "corpus.sha256"):
        (folder / name).unlink()
    assert len(collect(folder)) == 4
    folder.rename(folder.with_name("emodb.leaky-random"))
    with pytest.raises(ResultError, match=r"03-seed0\.json: protocol is 'leave-one-speaker-out', expected 'leaky-random'"):
        collect(folder.with_name("emodb.leaky-random"))
    assert len(collect((folder.with_name("emodb.leaky-random")).rename(folder.with_name("others")))) == 4


def test_a_folder_that_names_no_protocol_is_refused_by_its_name(folder):
    copy = folder.rename(folder.with_name("emodb.backup"))
    with pytest.raises(ResultError, match=r"emodb\.backup: no protocol is called 'backup'"):
        collect(copy)


def test_partners_and_groups_make_the_folds():
    partner = {"1F": "1M", "1M": "1F", "2F": "2M", "2M": "2F"}
    split = Split.of("mine", "leave-one-speaker-out", ROWS, partner)
    assert split.folds[1] == Fold(("2F", "2M"), "1F", "1M")
    assert split.members("1M", "1M") == {"1M0": "angry", "1M1": "angry"}
    grouped = Split.of("mine", "leave-one-group-out", ROWS, groups={"1F": "x", "1M": "y", "2F": "y", "2M": "z"})
    assert grouped.folds[1] == Fold(("x",), "z", "y") and set(grouped.members("y", "y")) == {"1M0", "1M1", "2F0", "2F1"}


def test_a_leaky_choice_reports_who_chose_and_nobody_else_may():
    split = Split.of("mine", "leaky-choice", ROWS, {"1F": "1M", "1M": "1F", "2F": "2M", "2M": "2F"})
    utterances = [{"id": name, "emotion": "angry", "posteriors": [1.0, 0.0]} for name in ("1M0", "1M1")]
    fields = vars(sample_result()) | {
        "corpus": "mine",
        "protocol": "leaky-choice",
        "utterances": utterances,
        "validation_utterances": utterances,
    }
    asked = {"train": ["2F", "2M"], "validation": "1M", "test": "1M"}
    assert not list(results_check._of_the_split(fields | {"fold": asked}, split))
    (problem,) = results_check._of_the_split(fields | {"fold": {**asked, "validation": "1F"}, "validation_utterances": []}, split)
    assert "expected {'train': ['2F', '2M'], 'validation': '1M', 'test': '1M'}" in problem


def test_where_sentences_are_left_out_each_fold_has_groups_of_its_own():
    rows = [Row(f"{speaker}{text}", speaker, "", "angry", "") for speaker in ("03", "08", "09") for text in ("a1", "a2", "b1", "b2")]
    split = Split.of("mine", "leave-one-speaker-and-texts-out", rows, text=lambda utterance: utterance[2:])
    assert set(split.members("03-a1+a2", "03-a1+a2")) == {"03a1", "03a2"}
    assert set(split.members("03-a1+a2", "08")) == {"08b1", "08b2"}
    assert set(split.members("03-b1+b2", "08")) == {"08a1", "08a2"}
    with pytest.raises(ValueError, match="nothing tells what is said"):
        Split.of("mine", "leave-one-speaker-and-texts-out", rows)


def test_decisions_after_each_epoch_are_of_the_test_utterances():
    fields = vars(replace(sample_result(), test_curve=[{"epoch": 2, "test_uar": 0.5, "decisions": [0, 1, 1]}]))
    (problem,) = results_check._of_the_test_curve(fields)
    assert problem == "test_curve: epoch 2 has 3 decisions, expected 4 of 0 to 1"
    assert not list(results_check._of_the_test_curve(fields | {"test_curve": [{"epoch": 2, "decisions": [0, 1, 1, 0]}]}))


def test_the_experiments_know_the_partners_of_a_corpus(tmp_path):
    iemocap = catalogue.corpus("iemocap")
    emotions, speakers = list(iemocap.emotions), sorted(iemocap.partner)
    called = dict(zip(sorted({row.speaker for row in read(RESULTS / "emodb")}), speakers, strict=True))
    rows = [row._replace(speaker=called[row.speaker]) for row in read(RESULTS / "emodb") if row.emotion in emotions]
    write(tmp_path / "iemocap", rows)
    base = RunResult.load(RESULTS / "emodb" / CHOSEN / "03-seed0.json")
    config = {**base.config, "model": {"emotions": emotions}}
    utterances = [{**item, "posteriors": item["posteriors"][:4]} for item in base.utterances if item["emotion"] in emotions]
    result = replace(base, corpus="iemocap", emotions=emotions, config=config, utterances=utterances, validation_utterances=[])
    for validation in ("1M", "2F"):
        fold = {"train": [speaker for speaker in speakers if speaker not in ("1F", validation)], "validation": validation, "test": "1F"}
        replace(result, fold=fold).save(tmp_path / "iemocap" / CHOSEN / "1F-seed0.json")
        if validation == iemocap.partner["1F"]:
            assert len(results_of(tmp_path, iemocap, iemocap.protocol)) == 1
    with pytest.raises(ResultError, match=r"1F-seed0\.json: fold is .*'validation': '2F'.*, expected .*'validation': '1M'"):
        results_of(tmp_path, iemocap, iemocap.protocol)


@pytest.mark.parametrize("folder, least", [("emodb", 1060), ("emodb.leaky-random", 39), ("jax/emodb", 1), ("float32/emodb", 1)])
def test_the_committed_results_all_pass_and_their_members_judge_the_same(folder, least):
    assert read(RESULTS / folder) is not None
    results = collect(RESULTS / folder)
    assert len(results) >= least
    for name, systems in catalogue.ENSEMBLES.items():
        results += ensemble(name, systems, results)
    with_seed_ensembles(results)


def test_the_committed_results_of_transfer_pass_what_needs_no_manifest():
    paths = sorted((RESULTS / "transfer").glob("*/*/*-seed*.json"))
    assert len([TransferResult.load_checked(path, None) for path in paths]) >= 54


def test_runs_that_were_configured_differently_are_not_averaged(folder):
    edit(folder / CHOSEN / "08-seed0.json", lambda fields: fields["config"]["training"].update(batch_size=7))
    with pytest.raises(
        ResultError, match=rf"{CHOSEN}/08-seed0\.json: was configured with training\.batch_size 7, expected .* as 03-seed0\.json"
    ):
        collect(folder)


def test_runs_of_other_precisions_and_from_before_a_field_was_there_are(folder):
    edit(folder / CHOSEN / "08-seed0.json", lambda fields: fields["config"]["training"].update(precision="bfloat16"))
    edit(folder / CHOSEN / "08-seed0.json", lambda fields: fields["config"]["training"].pop("batch_size"))
    assert len(collect(folder)) == 4
