"""What a run is: its file, its corpus as its recipe prepared it, its folds under each protocol; and whether it is done."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sample_results import EMOTIONS, sample_result

from data_prep import command, prepare
from experiments import catalogue
from experiments.grid import runs
from experiments.grid.runs import corpus_name, named_experiment, prepared_path
from experiments.options import GridOptions
from ser_acrnn.config import PRESETS
from ser_acrnn.data.corpus import Utterance
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.prepared import DatasetError
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.evaluation.protocol import PROTOCOLS, Fold, LeakError
from ser_acrnn.evaluation.results import ResultError, RunResult

SAMPLED = replace(catalogue.corpus("emodb"), emotions=tuple(EMOTIONS))
TINY, BASELINE = (catalogue.system(name, SAMPLED) for name in ("tiny", "dnn-elm"))
RELEASED = PRESETS["released-code"]


@pytest.fixture(scope="module")
def iemocap(tmp_path_factory):
    """The folder of a corpus with IEMOCAP's ten speakers in five sessions, two sounds each."""
    root, rng = tmp_path_factory.mktemp("iemocap"), np.random.default_rng(0)
    utterances = []
    for session in "12345":
        for sex in "FM":
            for emotion in ("angry", "sad"):
                name = f"{session}{sex}_{emotion}"
                soundfile.write(root / f"{name}.wav", 0.1 * rng.normal(size=8_000), 16_000)
                utterances.append(Utterance(name, root / f"{name}.wav", session + sex, emotion, session))
    return prepare.prepare("iemocap", utterances, root / "data", source=root, jobs=1)


def opened(prepared, system="tiny", protocol=None, **more):
    return runs.open_experiment(prepared, system, protocol=protocol, **more)


def test_a_runs_file_stands_below_its_corpus_and_system():
    run = Run("emodb", "dnn-elm", BASELINE, Fold(("a",), "b", "c"), 3, "leaky-random")
    assert run.file(Path("results")) == Path("results/emodb.leaky-random/dnn-elm/c-seed3.json")
    assert run.file(Path("work"), ".npz") == Path("work/emodb.leaky-random/dnn-elm/c-seed3.npz")


@pytest.mark.parametrize(
    "prepared, name, paper, frames",
    [
        ("d/emodb", "emodb", "d/emodb", "d/emodb.mfcc-pitch"),
        ("d/emodb.mfcc-pitch", "emodb", "d/emodb", "d/emodb.mfcc-pitch"),
        ("d/emodb.npz", "emodb", "d/emodb.npz", "d/emodb.mfcc-pitch.npz"),
        ("d/emodb.mfcc-pitch.npz", "emodb", "d/emodb.npz", "d/emodb.mfcc-pitch.npz"),
        ("iemocap-all-excited", "iemocap-all-excited", "iemocap-all-excited", "iemocap-all-excited.mfcc-pitch"),
        ("v1.2/emodb", "emodb", "v1.2/emodb", "v1.2/emodb.mfcc-pitch"),
    ],
)
def test_the_recipes_corpus_is_found_beside_the_one_that_is_named(prepared, name, paper, frames):
    assert corpus_name(Path(prepared)) == name
    assert prepared_path(Path(prepared), TINY) == Path(paper)
    assert prepared_path(Path(prepared), BASELINE) == Path(frames)


def test_another_recipe_of_log_mels_has_its_own_folder():
    assert prepared_path(Path("d/iemocap"), RELEASED) == Path("d/iemocap.released-code")


@pytest.mark.parametrize("kind", ["small_corpus", "small_packed"])
def test_a_system_reads_the_corpus_of_its_recipe(kind, request):
    prepared = request.getfixturevalue(kind)
    for system in ("tiny", "dnn-elm"):
        experiment = opened(prepared, system)
        assert experiment.corpus.features == experiment.preset.features == catalogue.SYSTEMS[system].preset.features
        assert experiment.preset.model.emotions == catalogue.corpus("synthetic").emotions
        assert experiment.corpus.name == experiment.facts.name == "synthetic"
        assert [fold.test for fold in experiment.folds] == ["03", "08", "09"]


def test_what_is_put_together_from_others_is_not_trained(small_corpus):
    with pytest.raises(ValueError, match="'best' is put together from best-by-training and best-by-utterance, expected a system that is"):
        opened(small_corpus, "best")


def test_a_recipe_that_is_named_has_to_be_there(small_corpus, tmp_path):
    options = GridOptions(prepared=small_corpus.with_name("synthetic.none"), results=tmp_path, work=tmp_path)
    with pytest.raises(
        DatasetError, match=r"synthetic\.none: is not there, expected a prepared corpus, or the name of one without its recipe"
    ):
        named_experiment(options, "tiny")


def test_a_corpus_that_was_not_prepared_by_the_systems_recipe_is_named(iemocap):
    with pytest.raises(DatasetError, match=r"iemocap\.mfcc-pitch: lacks .*, expected a prepared corpus"):
        opened(iemocap, "dnn-elm")


def test_options_stand_for_the_systems_own_numbers(small_corpus):
    training = opened(small_corpus, "dnn-elm", precision="bfloat16", epochs=2).preset.training
    assert training == replace(BASELINE.training, precision="bfloat16", epochs=2)
    assert opened(small_corpus, "dnn-elm").preset.training == BASELINE.training
    for given in ("auto", "float32", "bfloat16"):
        assert command.bound(GridOptions, ["--prepared", "emodb", "--precision", given])().precision == given
    assert command.bound(GridOptions, ["--prepared", "emodb"])().precision is None
    with pytest.raises(SystemExit):
        command.bound(GridOptions, ["--prepared", "emodb", "--precision", "float16"])


def test_iemocap_is_left_out_a_speaker_at_a_time_and_the_partner_validates(iemocap):
    experiment = opened(iemocap)
    assert experiment.protocol == "leave-one-speaker-out"
    assert len(experiment.folds) == 10
    for fold in experiment.folds:
        assert fold.validation[0] == fold.test[0] and fold.validation != fold.test
    assert experiment.run(3, 1) == Run("iemocap", "tiny", experiment.preset, experiment.folds[3], 1)
    assert experiment.folds[3].test == "2M"


def test_sessions_are_left_out_by_their_names_and_the_next_one_validates(iemocap):
    experiment = opened(iemocap, protocol="leave-one-session-out")
    assert isinstance(experiment.corpus, GroupedCorpus)
    assert [(fold.test, fold.validation) for fold in experiment.folds] == [("1", "2"), ("2", "3"), ("3", "4"), ("4", "5"), ("5", "1")]
    assert experiment.run(4, 0).folder == "iemocap.leave-one-session-out"
    for fold in experiment.folds:
        named = {name for name, _, _ in experiment.corpus.utterances([fold.test])}
        assert named == {f"{fold.test}{sex}_{emotion}" for sex in "FM" for emotion in ("angry", "sad")}


def test_random_parts_are_the_same_for_every_system(small_corpus, small_packed):
    one, other, packed = (
        opened(prepared, system, "leaky-random")
        for prepared, system in ((small_corpus, "tiny"), (small_corpus, "dnn-elm"), (small_packed, "tiny"))
    )
    assert [fold.test for fold in one.folds] == [f"part{number}" for number in range(10)]
    assert one.folds == other.folds == packed.folds
    assert list(one.corpus.group) == list(other.corpus.group) == list(packed.corpus.group)
    assert one.run(0, 0).folder == "synthetic.leaky-random"


@pytest.mark.parametrize("protocol, words", [("leave-one-session-out", "have no session"), ("leave-one-group-out", "have no group")])
def test_a_corpus_without_what_is_to_be_left_out_is_refused(small_corpus, protocol, words):
    with pytest.raises(LeakError, match=rf"\['03', '08', '09'\] {words}"):
        opened(small_corpus, protocol=protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_corpus_with_a_nameless_speaker_is_refused_under_every_protocol(small_corpus, tmp_path, protocol):
    """Preparation refuses it too: this is a manifest that something else has written."""
    copy = Path(shutil.copytree(small_corpus, tmp_path / "synthetic"))
    text = (copy / "manifest.csv").read_text()
    (copy / "manifest.csv").write_text(text.replace(",08,", ",,"))
    recipe = json.loads((copy / "recipe.json").read_text())
    recipe["speakers"][""] = recipe["speakers"].pop("08")
    (copy / "recipe.json").write_text(json.dumps(recipe))
    with pytest.raises(LeakError, match=r"have no speaker|expected at least three names"):
        opened(copy, protocol=protocol)


def run_of(preset, **more):
    return Run("emodb", "tiny", preset, Fold(("09",), "08", "03"), 0, **more)


def test_the_result_of_other_initial_weights_is_an_error_that_names_both(done):
    path = done(TINY)
    with pytest.raises(ValueError, match=r"03-seed0\.json: began with the weights that its seed draws, expected abcabcabcabc; move"):
        run_of(TINY, initial_weights="abc" * 20).finished(path, None)
    replace(RunResult.load(path), initial_weights="abc" * 20).save(path)
    assert run_of(TINY, initial_weights="abc" * 20).finished(path, None)
    with pytest.raises(ValueError, match=r"began with the weights abcabcabcabc, expected none but those"):
        run_of(TINY).finished(path, None)


@pytest.fixture
def done(tmp_path):
    """A function `(preset) -> path` of a result with that configuration."""

    def save(preset):
        path = tmp_path / "tiny" / "03-seed0.json"
        replace(sample_result(), config=preset.to_dict(), recipe_hash=preset.features.recipe_hash).save(path)
        return path

    return save


def test_a_run_is_done_when_its_result_is_there_whatever_its_precision(done, tmp_path):
    for preset in (TINY, BASELINE):
        assert not run_of(preset).finished(tmp_path / "none.json", None)
        assert run_of(preset).finished(done(preset), None)
        for precision in ("float32", "bfloat16"):
            path = done(replace(preset, training=replace(preset.training, precision=precision)))
            for asked in ("auto", "float32", "bfloat16"):
                assert run_of(replace(preset, training=replace(preset.training, precision=asked))).finished(path, None)


@pytest.mark.parametrize(
    "was, wanted",
    [
        (replace(TINY, training=replace(TINY.training, epochs=2)), TINY),
        (replace(TINY, model=replace(TINY.model, dropout=0.3)), TINY),
        (replace(BASELINE, model=replace(BASELINE.model, elm_widths=(7,))), BASELINE),
        (BASELINE, catalogue.system("dnn-elm-whole", SAMPLED)),
        (BASELINE, TINY),
        (TINY, BASELINE),
    ],
)
def test_the_result_of_another_configuration_is_an_error_that_names_it(done, was, wanted):
    path = done(was)
    with pytest.raises(ValueError, match="is the result of another configuration") as caught:
        run_of(wanted).finished(path, None)
    assert str(path) in str(caught.value)


def test_a_result_whose_configuration_cannot_be_read_is_that_of_another_one(tmp_path):
    path, plain = tmp_path / "tiny" / "03-seed0.json", TINY.to_dict()
    for config in ({"features": plain["features"], "model": plain["model"]}, {**plain, "model": {**plain["model"], "colour": 1}}):
        replace(sample_result(), config=config).save(path)
        with pytest.raises(ValueError, match="another configuration"):
            run_of(TINY).finished(path, None)


def test_a_result_that_cannot_be_right_is_not_taken_for_finished(small_corpus, tmp_path):
    experiment = opened(small_corpus)
    path = experiment.run(0, 0).file(tmp_path)
    result = sample_result(corpus="synthetic")
    config, emotions = experiment.preset.to_dict(), list(experiment.preset.model.emotions)
    names = experiment.corpus.manifest[["utterance", "speaker", "emotion"]].itertuples(index=False)
    posteriors = [1.0, *[0.0] * (len(emotions) - 1)]
    utterances = [{"id": name, "emotion": emotion, "posteriors": posteriors} for name, speaker, emotion in names if speaker == "03"]
    fold = {"train": ["09"], "validation": "08", "test": "03"}
    result = replace(result, config=config, emotions=emotions, utterances=utterances, fold=fold)
    result.save(path)
    assert experiment.finished(experiment.run(0, 0), tmp_path)
    replace(result, utterances=utterances[1:]).save(path)
    with pytest.raises(ResultError, match=rf"03-seed0\.json: utterances: lacks {utterances[0]['id']}, expected all 6"):
        experiment.finished(experiment.run(0, 0), tmp_path)


def test_results_of_one_folder_are_of_one_corpus(small_corpus, tmp_path):
    experiment = opened(small_corpus)
    experiment.settle_manifest(tmp_path)
    there = (tmp_path / "synthetic" / "corpus.csv").read_text()
    assert len(there.splitlines()) == 1 + 18 and "wav" not in there
    copy = Path(shutil.copytree(small_corpus, tmp_path / "data" / "synthetic"))
    opened(copy).settle_manifest(tmp_path)
    text = (copy / "manifest.csv").read_text()
    changed = text.replace("08a02Ta,08,,sad", "08a02Ta,08,,happy").replace("09a01Wa,09,,angry", "09a01Wa,09,,sad")
    (copy / "manifest.csv").write_text(changed)
    with pytest.raises(ResultError, match=r"corpus\.csv: has 08a02Ta,08,,sad,\w+, but the prepared corpus has 08a02Ta,08,,happy,"):
        opened(copy).settle_manifest(tmp_path)
    assert (tmp_path / "synthetic" / "corpus.csv").read_text() == there
    opened(copy, protocol="leaky-random").settle_manifest(tmp_path)  # a folder of its own
