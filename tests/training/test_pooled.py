"""Several corpora as one: names, groups, statistics, even draws, the loss among what a corpus knows, a training that leaves one out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments import familiarity, shipped
from experiments.cross_corpus.recordings import SIX
from experiments.studies import open_corpora, speakers_left_out, unheard_speakers
from ser_acrnn import files
from ser_acrnn.augmentation.log_mels import Voices, exchange_speakers
from ser_acrnn.config import PRESETS, ConfigError, TrainConfig
from ser_acrnn.config.features import FEATURE_RECIPES
from ser_acrnn.data.in_memory import MemoryCorpus
from ser_acrnn.data.pooled import PooledCorpus, corpus_of
from ser_acrnn.data.prepared import DatasetError
from ser_acrnn.data.segments import Segments
from ser_acrnn.data.with_copies import with_copies
from ser_acrnn.evaluation import calibration, results_manifest
from ser_acrnn.evaluation.protocol import Fold
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.models import loading

PAPER = FEATURE_RECIPES["paper"]
EMOTIONS = {"banglaser": ("angry", "sad", "surprise"), "crema_d": ("angry", "sad", "fear"), "emodb": ("angry", "sad", "fear", "bored")}


def corpus(name, recordings=1, config=PAPER):
    """Two speakers, each with some recordings of a second of each of the corpus's emotions, which shift the features."""
    rng = np.random.default_rng(sum(name.encode()))
    rows = [
        {
            "utterance": f"{speaker}{emotion}{take}",
            "speaker": speaker,
            "session": "",
            "emotion": emotion,
            "path": "x.wav",
            "seconds": 1.0,
            "segments": 1,
        }
        for speaker in "ab"
        for emotion in EMOTIONS[name]
        for take in range(recordings)
    ]
    rows = [{**row, "sha256": f"{name}{number}"} for number, row in enumerate(rows)]
    values = [rng.standard_normal((100, *config.shape)).astype(np.float32) + len(row["emotion"]) for row in rows]
    return MemoryCorpus(name, pd.DataFrame(rows), values, config)


@pytest.fixture
def pool():
    return PooledCorpus([corpus("banglaser"), corpus("crema_d", 3), corpus("emodb")], SIX)


def test_a_pool_has_the_utterances_of_some_emotions_under_its_corpora(pool):
    assert pool.name == "banglaser+crema_d+emodb" and pool.groups == ["banglaser", "crema_d", "emodb"]
    assert len(pool.manifest) == 4 + 18 + 6 and set(pool.manifest["emotion"]) == {"angry", "sad", "fear"}
    assert pool.speakers == [f"{name}/{speaker}" for name in pool.groups for speaker in "ab"]
    read = {name: values for name, _, values in pool.utterances(["crema_d", "emodb"])}
    assert set(map(corpus_of, read)) == {"crema_d", "emodb"} and len(read) == 24
    np.testing.assert_array_equal(read["emodb/asad0"], corpus("emodb").read("asad0"))
    np.testing.assert_array_equal(pool.read("emodb/asad0"), read["emodb/asad0"])
    assert pool.emotions_of("banglaser") == {"angry", "sad"}
    mean, variance = pool.statistics(["banglaser"])
    whole = np.concatenate(corpus("banglaser").values)
    np.testing.assert_allclose(mean, whole.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(variance, whole.var(axis=0), rtol=1e-3)
    assert len(pool.checksums(["banglaser", "emodb"])) == 4


def test_what_is_left_out_or_unknown_cannot_be_read(pool):
    with pytest.raises(DatasetError, match="no utterance 'emodb/abored0'"):
        pool.read("emodb/abored0")
    with pytest.raises(DatasetError, match=r"no speaker\(s\) or group\(s\) \['nemo'\]"):
        list(pool.utterances(["nemo"]))


def test_corpora_that_cannot_be_pooled_are_named():
    with pytest.raises(DatasetError, match=r"\['emodb', 'emodb'\], expected one or more, each once"):
        PooledCorpus([corpus("emodb"), corpus("emodb")], SIX)
    with pytest.raises(DatasetError, match=r"recipes .*'crema_d': .* expected one recipe"):
        PooledCorpus([corpus("emodb"), corpus("crema_d", config=FEATURE_RECIPES["speech"])], SIX)
    with pytest.raises(DatasetError, match=r"\['crema_d'\] have none of the emotions \['bored'\]"):
        PooledCorpus([corpus("emodb"), corpus("crema_d")], ["bored"])


def degraded(name, number=2):
    """The copies of a corpus of `corpus`, by its recordings' checksums."""
    plain = corpus(name)
    manifest = pd.concat([plain.manifest.assign(utterance=plain.manifest["utterance"] + f"+{copy}") for copy in range(1, number + 1)])
    copies = MemoryCorpus(f"{name}-degraded", manifest.reset_index(drop=True), [-values for values in plain.values] * number, PAPER)
    copies.recipe["about"] = {"copies": number}
    return copies


def test_degraded_copies_are_pooled_under_the_corpora_that_they_are_of():
    names = ["banglaser", "emodb"]
    plain, copies = (PooledCorpus([made(name) for name in names], SIX, names) for made in (corpus, degraded))
    both = with_copies(plain, copies, 2)
    assert both.groups == names and both.speakers == plain.speakers and len(both.manifest) == 3 * len(plain.manifest)
    read = {name: values for name, _, values in both.utterances(["emodb"])}
    assert len(read) == 3 * 6 and {corpus_of(name) for name in read} == {"emodb"}
    np.testing.assert_array_equal(read["emodb/asad0+2"], -read["emodb/asad0"])
    with pytest.raises(DatasetError, match=r"\{'banglaser': 2, 'emodb': 1\}, expected as many of each"):
        PooledCorpus([degraded("banglaser"), degraded("emodb", 1)], SIX, names)


def test_the_robust_recipe_reads_the_copies_beside_the_corpora(monkeypatch, tmp_path):
    asked = []

    def opened(path):
        asked.append(path.name)
        return degraded(path.name.partition("-")[0], 4)

    monkeypatch.setattr(open_corpora, "open_corpus", opened)
    prepared = [tmp_path / "banglaser", tmp_path / "emodb"]
    copies = open_corpora.opened_copies(prepared, open_corpora.RECIPES["robust-by-utterance"])
    assert copies.groups == ["banglaser", "emodb"]
    assert asked == ["banglaser-degraded.speech-short-pauses", "emodb-degraded.speech-short-pauses"]
    assert open_corpora.opened_copies(prepared, open_corpora.RECIPES["by-utterance"]) is None


def segments(labels, corpora, known):
    features = np.zeros((len(labels), 1, 1, 1), np.float32)
    every = np.arange(len(labels))
    return Segments(features, np.array(labels), every, tuple(map(str, every)), np.array(labels), np.array(corpora), np.array(known, bool))


def test_all_corpora_are_drawn_alike_and_in_each_the_emotions_that_it_has():
    from ser_acrnn.training import loop

    train = segments([0] * 90 + [1] * 8 + [0, 1, 2], [0] * 98 + [1] * 3, [[1, 1, 0], [1, 1, 1]])
    drawn = np.concatenate([loop._order(train.labels, "corpora", np.random.default_rng(seed), loop._pooled(train)) for seed in range(200)])
    cells = [np.mean((train.corpus[drawn] == one) & (train.labels[drawn] == label)) for one in (0, 1) for label in (0, 1, 2)]
    np.testing.assert_allclose(cells, [1 / 4, 1 / 4, 0, 1 / 6, 1 / 6, 1 / 6], atol=0.01)
    with pytest.raises(ConfigError, match="expected segments of pooled corpora"):
        loop._pooled(replace(train, corpus=None))


def test_the_loss_is_among_the_emotions_that_a_corpus_has():
    from ser_acrnn.training import loop

    train = segments([0, 2], [0, 1], [[1, 1, 0], [1, 1, 1]])
    targets = loop._targets(train, 3, TrainConfig(sampling="corpora"))
    np.testing.assert_array_equal(targets, [[1, 0, loop.UNKNOWN], [0, 0, 1]])
    posteriors = np.array([[0.2, 0.2, 0.6], [0.25, 0.25, 0.5]], np.float32)
    np.testing.assert_allclose(loop.known_crossentropy(targets, posteriors), -np.log([0.5, 0.5]), rtol=1e-5)
    with pytest.raises(ConfigError, match="'all' or 'balanced' with mixup or label_smoothing"):
        TrainConfig(sampling="corpora", mixup=0.2)


def test_voices_of_all_corpora_are_given_to_others_alike(pool):
    from ser_acrnn.training.pooled import PooledAcrnn

    preset = PRESETS["lite-augmented"]
    system = PooledAcrnn(replace(preset, model=replace(preset.model, emotions=SIX)))
    train = system.segments(pool, ["crema_d", "emodb"], training=True)
    assert train.known.tolist() == [[emotion in ("angry", "sad", "fear") for emotion in SIX]] * 2
    assert [("crema_d", "emodb")[number] for number in train.corpus] == [
        corpus_of(train.utterance_ids[number]) for number in train.utterance
    ]
    augment = system.augment(pool, train, pool.statistics(["crema_d"])[0])
    np.testing.assert_allclose(augment.voices.share, [1 / 4] * 4)
    values = np.arange(3, dtype=np.float32)[:, None, None]
    voices = Voices(np.zeros(0, int), values, np.ones_like(values), np.array([0.0, 0.0, 1.0]))
    heard = np.zeros((50, 1, 1, 1), np.float32)
    exchange_speakers(heard, voices, np.zeros(50, int), 1.0, np.random.default_rng(0))
    assert (heard == 2).all()


def test_a_corpus_is_left_out_in_turn_and_the_network_trained_on_all(tmp_path, monkeypatch, capsys):
    tiny, both = PRESETS["tiny"], PooledCorpus([corpus("banglaser"), corpus("emodb")], SIX)
    training = replace(tiny.training, sampling="corpora", epoch_choice="last", train_on_validation=True, epochs=1, precision="auto")
    preset = replace(tiny, model=replace(tiny.model, emotions=SIX), training=training)
    monkeypatch.setattr(open_corpora, "RECIPES", {"tiny": preset})
    monkeypatch.setattr(open_corpora, "opened", lambda prepared, preset: both)
    words = ["--prepared", "x", "--recipe", "tiny"]
    words += [word for option in ("results", "work", "models", "directory") for word in (f"--{option}", str(tmp_path / option))]
    assert open_corpora.main(words) == 0
    found = [RunResult.load(path) for path in sorted((tmp_path / "results" / "open-corpora" / "tiny").glob("*.json"))]
    assert [result.fold for result in found] == [
        {"train": ["emodb"], "validation": None, "test": "banglaser"},
        {"train": ["banglaser"], "validation": None, "test": "emodb"},
    ]
    for result in found:
        assert {corpus_of(one["id"]) for one in result.utterances} == {result.fold["test"]} and result.protocol == "leave-one-corpus-out"
        assert result.emotions == list(SIX)
    network = tmp_path / "directory" / "acrnn3d-open.keras"
    assert "| recipe | banglaser | emodb | mean |" in capsys.readouterr().out.replace("  ", " ").replace("  ", " ")
    assert not list((tmp_path / "work").rglob("*.npz"))
    # What it knows of its training is by the corpora that the folds' networks had not heard.
    about = shipped.index(tmp_path / "directory")["acrnn3d-open"]
    assert about["familiarity_by"] == ["banglaser", "emodb"] and about["corpus"] == "banglaser+emodb" and about["system"] == "tiny"
    assert loading.load(network).get_layer("familiarity").limit > 0 and about["sha256"] == files.sha256(network)
    fitted = [calibration.fitted_temperature(calibration.scored_utterances(one.utterances, one.emotions)) for one in found]
    assert about["temperature"] == pytest.approx(np.sqrt(np.prod(fitted)))
    card = network.with_suffix(".md").read_text()
    assert f"its temperature of {about['temperature']:.2f}, " in card and "judged on that one: BanglaSER and Emo-DB." in card
    assert "| BanglaSER | Bangla   |" in card and "| Emo-DB    | German   | 3        |" in card
    before, head = network.stat().st_mtime_ns, loading.load(network).get_layer("emotion").get_weights()
    assert open_corpora.main(words) == 0 and network.stat().st_mtime_ns == before
    # Of other folds, it has another temperature, counted from its training.
    (tmp_path / "models" / "open-corpora" / "tiny" / "emodb-seed0.keras").unlink()
    open_corpora.complete([], "tiny", preset, network, tmp_path / "results", tmp_path / "models", "auto")
    for weight, hotter in zip(loading.load(network).get_layer("emotion").get_weights(), head, strict=True):
        np.testing.assert_allclose(weight * fitted[0], hotter * np.sqrt(np.prod(fitted)), rtol=5e-3, atol=1e-3)


def test_speakers_of_a_corpus_are_left_out_in_groups_and_all_else_trains(tmp_path, monkeypatch, capsys):
    tiny, both = PRESETS["tiny"], PooledCorpus([corpus("banglaser"), corpus("emodb")], SIX)
    training = replace(tiny.training, sampling="corpora", epoch_choice="last", train_on_validation=True, epochs=1, precision="auto")
    monkeypatch.setattr(open_corpora, "RECIPES", {"tiny": replace(tiny, model=replace(tiny.model, emotions=SIX), training=training)})
    monkeypatch.setattr(open_corpora, "opened", lambda prepared, preset: both)
    results, emodb = tmp_path / "results", corpus("emodb").manifest
    results_manifest.write(results / "emodb", results_manifest.rows_of(emodb))
    words = ["--prepared", "x", "--recipe", "tiny", "--groups", "2"]
    words += [word for option in ("results", "work", "models") for word in (f"--{option}", str(tmp_path / option))]
    assert speakers_left_out.main(words) == 0
    found = unheard_speakers.finished("tiny", "emodb", results)
    assert [result.fold for result in found] == [
        {"train": ["banglaser", f"emodb-{other}"], "validation": None, "test": f"emodb-{mine}"} for mine, other in ("ab", "ba")
    ]
    for result, speaker in zip(found, "ab", strict=True):
        assert [one["id"] for one in result.utterances] == [f"emodb/{speaker}{emotion}0" for emotion in ("angry", "sad", "fear")]
    shown = capsys.readouterr().out
    assert "| `tiny` " in shown and not list((tmp_path / "work").rglob("*.npz"))
    assert [path.name for path in sorted((tmp_path / "models").rglob("*.keras"))] == ["emodb-a-seed0.keras", "emodb-b-seed0.keras"]
    # Nothing is trained twice.
    monkeypatch.setattr(open_corpora, "judge", None)
    assert speakers_left_out.main(words) == 0 and capsys.readouterr().out == shown


def test_groups_of_speakers_are_of_one_corpus_and_about_as_large(pool):
    groups = speakers_left_out.groups_of(pool, "crema_d", 2)
    assert groups["crema_d/a"] == "crema_d-a" and groups["crema_d/b"] == "crema_d-b" and groups["emodb/a"] == groups["emodb/b"] == "emodb"
    assert speakers_left_out.folds(groups, "crema_d")[0] == Fold(("banglaser", "crema_d-b", "emodb"), None, "crema_d-a")
    for name, number in (("crema_d", 3), ("nemo", 2)):
        with pytest.raises(ValueError, match=f"{name}: has [02] speakers in .* expected {number} or more"):
            speakers_left_out.groups_of(pool, name, number)


def test_an_unknown_recipe_for_unheard_speakers_is_refused(capsys):
    assert speakers_left_out.main(["--prepared", "x", "--recipe", "other"]) != 0
    assert "--recipe is 'other', expected one of" in capsys.readouterr().err


@pytest.mark.parametrize(("sampling", "counts"), [("corpora", [18, 18, 18]), ("balanced", [4, 18, 6])])
def test_what_is_familiar_counts_corpora_as_training_draws_them(pool, monkeypatch, sampling, counts):
    numbers = {name: number for number, name in enumerate(pool.groups)}
    said = {name: np.full((int((pool.group == name).sum()), 2), numbers[name], np.float32) for name in numbers}
    monkeypatch.setattr(familiarity, "embeddings", lambda model, preset, corpus, groups: np.concatenate([said[one] for one in groups]))
    preset = replace(PRESETS["lite"], training=replace(PRESETS["lite"].training, sampling=sampling))
    found = familiarity.learned_embeddings(None, preset, pool, pool.groups)
    assert np.unique(found, axis=0, return_counts=True)[1].tolist() == counts


def judged(test, posteriors):
    utterances = [{"id": f"{test}/{number}", "emotion": emotion, "posteriors": row} for number, (emotion, row) in enumerate(posteriors)]
    return RunResult("pool", "one", {"test": test}, 0, ["angry", "sad", "fear"], utterances, 1, [], "", {}, "", "", "", "float32", 1.0)


def test_recipes_that_have_heard_whom_they_judge_are_not_compared_with_others(capsys):
    assert open_corpora.main(["--prepared", "x", "--recipe", "by-utterance,robust-by-speaker"]) != 0
    assert "expected none of ['by-speaker', 'robust-by-speaker'] or these alone" in capsys.readouterr().err
    assert set(open_corpora.UNADAPTED) == {"by-utterance", "by-training", "robust-by-utterance"}


def test_recipes_are_compared_over_the_emotions_that_the_corpus_left_out_has():
    right = judged("banglaser", [("angry", [0.3, 0.1, 0.6]), ("sad", [0.1, 0.2, 0.7])])  # it has no fear
    half = judged("banglaser", [("angry", [0.3, 0.1, 0.6]), ("sad", [0.2, 0.1, 0.7])])
    assert (open_corpora.uar_of(right), open_corpora.uar_of(half)) == (100, 50)
    assert open_corpora.chosen({"first": [half], "second": [right], "third": [right]}) == "second"


def test_a_fold_leaves_a_corpus_out_and_closed_corpora_do_not_train(monkeypatch):
    assert open_corpora.folds(["a", "b"]) == [Fold(("b",), None, "a"), Fold(("a",), None, "b")]
    with pytest.raises(ValueError, match="expected two corpora or more"):
        open_corpora.folds(["a"])
    monkeypatch.setattr(open_corpora, "open_corpus", lambda path: replace_name(corpus("emodb"), "ravdess"))
    with pytest.raises(ValueError, match="learned from RAVDESS, whose licence is CC BY-NC-SA"):
        open_corpora.opened([open_corpora.Path("x")], open_corpora.RECIPES["by-utterance"])


def replace_name(one, name):
    one.name = name
    return one


def test_every_recipe_draws_all_corpora_alike_on_short_pauses():
    for preset in open_corpora.RECIPES.values():
        assert preset.training.sampling == "corpora" and preset.training.epoch_choice == "last" and preset.model.emotions == SIX
        assert preset.features == FEATURE_RECIPES["speech-short-pauses"]
