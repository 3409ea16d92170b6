"""The transfer curve on a tiny corpus: honest draws, the same terms for all trainings, resumption, and a page made from the files."""

import dataclasses
import hashlib
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import soundfile

from data_prep import prepare
from data_prep.corpora import ravdess
from experiments.studies import transfer_curve, transfer_report
from experiments.studies.transfer_curve import TransferResult, draw
from experiments.studies.transfer_methods import METHODS
from ser_acrnn.config import FEATURE_RECIPES, ModelConfig, preset
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.evaluation.summary import Summary
from ser_acrnn.models.networks import acrnn
from ser_acrnn.pretrained import list_pretrained

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]

SMALL = {"conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}
HEARD = ravdess.ACTORS[:12]  # three groups


def save_network(path, seed, recipe="paper"):
    keras.utils.set_random_seed(seed)
    acrnn(ModelConfig(**SMALL), recipe_hash=FEATURE_RECIPES[recipe].recipe_hash).save(path)
    return path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Twelve actors whose emotions are tones of different pitch, prepared as `ravdess`."""
    root, rng = tmp_path_factory.mktemp("ravdess"), np.random.default_rng(0)
    time = np.arange(16_000) / 16_000
    for actor in HEARD:
        (root / f"Actor_{actor}").mkdir()
        for emotion in range(1, 9):
            for statement in (1, 2):
                tone = np.sin(2 * np.pi * 150 * 1.6**emotion * time) + 0.1 * rng.normal(size=len(time))
                soundfile.write(root / f"Actor_{actor}" / f"03-01-{emotion:02}-01-{statement:02}-01-{actor}.wav", 0.2 * tone, 16_000)
    reading = ravdess.read(root)
    return prepare.prepare(reading.name, reading.utterances, root / "data", source=root, jobs=1)


@pytest.fixture(scope="module")
def results(prepared, tmp_path_factory):
    """What the command leaves, a draw of all methods and a second one of one; and its words."""
    folder = tmp_path_factory.mktemp("results")
    network = save_network(folder / "source.keras", 0)
    words = [f"--prepared={prepared}", f"--init={network}", "--examples=1", "--repeats=1", "--updates=3", f"--results={folder}"]
    assert transfer_curve.main([*words, "--methods=probe", "--repeats=2"]) == 0
    assert transfer_curve.main(words) == 0
    return folder, words


def read(folder):
    paths = sorted((folder / "transfer" / "ravdess").glob("*/*.json"))
    return {(path.parent.name, path.stem): TransferResult.load(path) for path in paths}


def test_fewer_examples_are_a_part_of_more():
    manifest = pd.DataFrame([(f"{emotion}{number}", emotion) for emotion in "ab" for number in range(9)], columns=["utterance", "emotion"])
    few, many = draw(manifest, "ab", 2, 3), draw(manifest, "ab", 7, 3)
    assert set(few) < set(many) and len(set(many)) == 14
    assert [name[0] for name in few] == list("aabb")
    assert draw(manifest, "ab", 2, 3) == few != draw(manifest, "ab", 2, 4)
    assert draw(manifest.iloc[::-1], "ab", 2, 3) == few
    with pytest.raises(ValueError, match="b: has 9 utterances to draw from, expected 10 or more"):
        draw(pd.concat([manifest, pd.DataFrame({"utterance": ["a9"], "emotion": ["a"]})]), "ab", 10, 0)


def test_a_draw_trains_on_few_and_tests_all_of_speakers_it_has_not_heard(results):
    found = read(results[0])
    assert set(found) == {(f"{method}.001", "01-04-seed0") for method in METHODS} | {("probe.001", "05-08-seed1")}
    for (_, name), result in found.items():
        group = [actor for actor in HEARD if ravdess.GROUP_OF_ACTOR[actor] == name[:5]]
        assert {utterance["id"][-2:] for utterance in result.utterances} == set(group) and len(result.utterances) == 4 * 8 * 2
        heard = {ravdess.GROUP_OF_ACTOR[utterance[-2:]] for utterance in result.drawn}
        assert heard == set(result.fold["train"]) and not heard & {result.fold["test"], result.fold["validation"]}
        assert sorted(ravdess.parse_name(utterance).emotion for utterance in result.drawn) == sorted(ravdess.EMOTIONS)
    assert len({tuple(found[f"{method}.001", "01-04-seed0"].drawn) for method in METHODS}) == 1


def test_all_trainings_are_on_the_same_terms(results):
    found = [read(results[0])[f"{method}.001", "01-04-seed0"] for method in ("scratch", "whole", "staged")]
    scratch, whole, staged = (result.config for result in found)
    assert scratch == whole and scratch["training"]["epoch_choice"] == "last" and scratch["training"]["epochs"] == 3
    rates = [config["training"].pop("learning_rate") for config in (scratch, staged)]
    assert rates == [transfer_curve.FewShotConfig().learning_rate[method] for method in ("scratch", "staged")]
    assert staged == scratch
    assert [result.validation_curve[0]["epoch"] for result in found] == [3, 3, 3]


def test_from_scratch_is_the_same_network_with_other_weights(tmp_path):
    source = keras.saving.load_model(save_network(tmp_path / "source.keras", 0), compile=False)
    configuration = dataclasses.replace(preset("lite-by-utterance"), model=ModelConfig(("calm", "tense"), **SMALL))
    mean, variance = np.full((40, 3), -7.0, np.float32), np.full((40, 3), 9.0, np.float32)
    built = {}
    for method in ("scratch", "whole"):
        keras.utils.set_random_seed(1)
        built[method] = METHODS[method](configuration, source).network(mean, variance)
    for layer in ("conv_1", "linear", "blstm"):
        own, tuned, old = (model.get_layer(layer).get_weights()[0] for model in (built["scratch"], built["whole"], source))
        assert own.shape == old.shape and not np.allclose(own, old), layer
        np.testing.assert_array_equal(tuned, old)
    assert built["scratch"].output_shape == (None, 2) and built["scratch"].count_params() == built["whole"].count_params()
    for model in built.values():
        np.testing.assert_allclose(model.get_layer("normalise").get_weights()[0].ravel()[:5], -7.0)


def test_the_page_comes_from_the_files_and_names_the_weights(results):
    folder, _ = results
    page = (folder / "transfer" / "ravdess" / "transfer.md").read_text()
    sha256 = hashlib.sha256((folder / "source.keras").read_bytes()).hexdigest()
    found = [result for result in read(folder).values() if result.seed == 0]
    assert transfer_report.table(Summary.of(found)) in page and f"`source.keras`, sha256 `{sha256}`" in page
    assert {(result.init, result.init_sha256) for result in found} == {("", ""), ("source.keras", sha256)}
    assert (folder / "transfer" / "ravdess" / "transfer.png").stat().st_size > 5_000


def test_what_is_there_is_kept_until_the_weights_change(results, tmp_path):
    folder = shutil.copytree(results[0], tmp_path / "copy")
    words = [word.replace(str(results[0]), str(folder)) for word in results[1]]

    def times():
        return {path: path.stat().st_mtime_ns for path in (folder / "transfer" / "ravdess").glob("*/*.json")}

    before = times()
    [lost] = [path for path in before if path.parent.name == "whole.001"]
    lost.unlink()
    assert transfer_curve.main(words) == 0
    assert {path for path, time in times().items() if time != before[path]} == {lost}
    before = times()
    save_network(folder / "source.keras", 1)
    assert transfer_curve.main([*words, "--methods=scratch,probe"]) == 0
    changed = {(path.parent.name, path.stem) for path, time in times().items() if time != before[path]}
    assert changed == {("probe.001", "01-04-seed0")}


def test_a_result_that_cannot_be_right_is_not_kept(results, capsys):
    folder, words = results
    path = folder / "transfer" / "ravdess" / "scratch.001" / "01-04-seed0.json"
    text = path.read_text()
    try:
        result = TransferResult.load(path)
        dataclasses.replace(result, utterances=result.utterances[1:]).save(path)
        assert transfer_curve.main([*words, "--methods=scratch"]) == 1
        assert f"01-04-seed0.json: utterances: lacks {result.utterances[0]['id']}, expected all 64" in capsys.readouterr().err
    finally:
        path.write_text(text)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--init=none.keras", "--init is none.keras, expected a .keras file or one of"),
        ("--methods=scratch,magic", "--methods has ['magic'], expected some of"),
        ("--examples=9", "angry: has 8 utterances to draw from, expected 9 or more"),
    ],
)
def test_what_cannot_be_done_is_said(results, capsys, word, message):
    assert transfer_curve.main([*results[1], word]) == 1
    assert message in capsys.readouterr().err


def test_a_network_gets_the_features_that_it_was_trained_on(results, prepared, tmp_path, capsys):
    _, words = results
    network = save_network(tmp_path / "speech.keras", 0, "speech")
    assert transfer_curve.main([*words, f"--init={network}"]) == 1
    assert str(prepared.with_name("ravdess.speech")) in capsys.readouterr().err


@pytest.mark.parametrize("name", list_pretrained())
def test_a_shipped_network_is_trained_further_as_it_was_but_without_degraded_copies(name):
    source = transfer_curve.Source.find(name)
    assert source.preset.features == source.predictor.preprocessor.features and source.preset.training.copies is None
    assert source.preset.model.normalisation == source.predictor.preprocessor.scope


@pytest.mark.parametrize("corpus", ["ravdess", "ravdess-synthetic"])
def test_the_committed_page_is_what_the_committed_results_say(corpus):
    folder = Path(__file__).parents[3] / "results" / "transfer" / corpus
    found = [TransferResult.load_checked(path, None) for path in sorted(folder.glob("*/*.json"))]
    assert transfer_report.table(Summary.of(found)) in (folder / "transfer.md").read_text(encoding="utf-8")


def made(method, examples, test, right, seed=0):
    """A result that is right in so many of four utterances of each of two emotions."""
    utterances = []
    for emotion in ("calm", "tense"):
        for number in range(4):
            posteriors = [0.9, 0.1] if (emotion == "calm") == (number < right) else [0.1, 0.9]
            utterances.append({"id": f"{emotion}{number}", "emotion": emotion, "posteriors": posteriors})
    fold = {"train": ["t"], "validation": "v", "test": test}
    system = transfer_report.system(method, examples)
    return RunResult("ravdess", system, fold, seed, ["calm", "tense"], utterances, 1, [], "", {}, "", "", "", "float32", 1.0)


def test_table_and_figure_say_what_the_decisions_say():
    runs = [made("scratch", 1, test, right) for test, right in (("a", 1), ("b", 2), ("c", 3))]
    runs += [made("whole", 1, test, right) for test, right in (("a", 2), ("b", 3), ("c", 4))]
    runs += [made(method, 20, test, 3) for method in ("scratch", "whole") for test in "abc"]
    assert transfer_report.found(Summary.of(runs)) == (["scratch", "whole"], [1, 20])
    one, twenty = transfer_report.table(Summary.of(runs)).splitlines()[2:]
    cells = [cell.strip() for cell in one.strip("|").split("|")]
    assert cells[0] == "1" and cells[1] == "50.0 (0.0 to 100.0)" and cells[2] == "75.0 (12.9 to 100.0)"
    assert cells[3:7] == ["+25.0 (+25.0 to +25.0)", "< 0.001", "< 0.001", "gain"] and cells[-1] == "3 in 3 groups"
    assert "75.0 (75.0 to 75.0)" in twenty and "+0.0 (+0.0 to +0.0) " in twenty and "within chance" in twenty
    left, right = transfer_report.figure(Summary.of(runs), "title").axes
    drawn = {container.get_label(): container.lines[0].get_ydata() for container in left.containers}
    np.testing.assert_allclose(drawn["from scratch"], [50, 75])
    np.testing.assert_allclose(drawn["fine-tuned as a whole"], [75, 75])
    np.testing.assert_allclose(right.containers[0].lines[0].get_ydata(), [25, 0])
    one, twenty = transfer_report.table(Summary.of([*runs[:-1], made("probe", 20, "a", 4)])).splitlines()[2:]
    assert [cell.strip() for cell in one.strip("|").split("|")][3] == "" and "| 100.0 " in twenty


def test_a_shipped_network_is_trained_on_as_its_system_was():
    source = transfer_curve.Source.find("acrnn3d-emodb")
    assert source.preset.model.normalisation == source.predictor.preprocessor.scope and len(source.sha256) == 64
