"""The catalogue: what systems and corpora are called, what they are made of, and what they cost."""

import json
from dataclasses import replace

import pytest

from data_prep import loader
from experiments import catalogue
from experiments.catalogue import ablations, baselines
from experiments.catalogue.published import PUBLISHED
from experiments.catalogue.system import SEEDS
from ser_acrnn.config import AS_SPOKEN, FIVE_TEMPOS, ConfigError, DnnElmPreset, Preset
from ser_acrnn.config.features import RECIPES
from ser_acrnn.data.corpus import CorpusError
from ser_acrnn.evaluation.protocol import PROTOCOLS
from ser_acrnn.evaluation.results_check import folder_name


def test_every_loaders_corpus_is_found_by_its_name():
    for name in loader.names():
        corpus = catalogue.corpus(name)
        assert corpus is loader.find(name).CORPUS
        assert corpus.name == name and corpus.title
        assert corpus.protocol in PROTOCOLS
        assert len(set(corpus.emotions)) == len(corpus.emotions) >= 2


def test_iemocaps_validation_speaker_is_the_partner_of_the_session():
    partner = catalogue.corpus("iemocap").partner
    assert partner["1F"] == "1M" and partner["5M"] == "5F" and len(partner) == 10


def test_a_variant_is_named_and_has_no_published_number():
    variant = catalogue.corpus("iemocap-all-excited")
    assert (variant.name, variant.title) == ("iemocap-all-excited", "IEMOCAP, variant all-excited")
    assert variant.emotions == catalogue.corpus("iemocap").emotions
    assert variant.partner == catalogue.corpus("iemocap").partner
    assert "Generated audio" in catalogue.corpus("iemocap-synthetic").caveat and not variant.caveat
    assert "Generated audio" in catalogue.corpus("synthetic").caveat
    assert not any(name == variant.name for name, _ in PUBLISHED)
    assert (catalogue.base("iemocap-all-excited"), catalogue.base("emodb")) == ("iemocap", "emodb")
    with pytest.raises(CorpusError, match="no loader 'other'"):
        catalogue.corpus("other")


def test_a_2d_system_is_the_3d_one_with_one_channel():
    for layers in (1, 5):
        wide, flat = catalogue.SYSTEMS[f"acrnn3d-{layers}conv"].preset, catalogue.SYSTEMS[f"acrnn2d-{layers}conv"].preset
        assert (wide.model.channels, flat.model.channels) == (3, 1)
        assert len(wide.model.conv) == len(flat.model.conv) == layers
        assert wide.training == flat.training and wide.features == flat.features


def test_the_baselines_differ_in_their_segments_alone():
    loud, whole = catalogue.SYSTEMS["dnn-elm"].preset, catalogue.SYSTEMS["dnn-elm-whole"].preset
    assert (loud.features, loud.training) == (whole.features, whole.training)
    assert loud.features == RECIPES["mfcc-pitch"]
    assert (loud.model.loudest_share, loud.model.segment_hop_frames) == (0.1, 1)
    assert (whole.model.loudest_share, whole.model.segment_hop_frames) == (1.0, 5)


def test_a_system_has_the_emotions_of_its_corpus():
    for corpus in map(catalogue.corpus, ("emodb", "iemocap")):
        for name in ("tiny", "acrnn3d-1conv", "dnn-elm"):
            preset = catalogue.system(name, corpus)
            assert preset.model.emotions == corpus.emotions
            assert type(preset) is (DnnElmPreset if name == "dnn-elm" else Preset)


def test_the_best_networks_hear_everyone_and_are_judged_at_five_tempos():
    assert catalogue.ENSEMBLES["best"] == ("best-by-training", "best-by-utterance")
    assert catalogue.ENSEMBLES["best-adapted"] == ("adapted-by-training", "adapted-by-utterance", "adapted-by-speaker")
    for before, best in catalogue.BEST.items():
        training, other = catalogue.SYSTEMS[best].preset.training, catalogue.SYSTEMS[before].preset.training
        assert training.train_on_validation and training.judging_tempos == FIVE_TEMPOS and not other.train_on_validation
        assert replace(training, train_on_validation=False, judging_tempos=AS_SPOKEN) == other
        assert catalogue.SYSTEMS[best].preset.model == replace(catalogue.SYSTEMS[before].preset.model, dropout=0.0)
        adapted = catalogue.SYSTEMS[catalogue.ADAPTED[best]].preset
        assert adapted == replace(catalogue.SYSTEMS[best].preset, training=replace(training, judging_batch_norm="speaker"))
        heard = catalogue.SYSTEMS[f"{before}.tempos"].preset.training
        assert heard == replace(other, judging_tempos=FIVE_TEMPOS)


@pytest.mark.parametrize(
    ("name", "alike"), [("acrnn3d-1", "acrnn3d-1conv"), ("best-by-uterance", "best-by-utterance"), ("xyz", "acrnn3d-1conv, acrnn3d-2conv")]
)
def test_an_unknown_system_is_named_with_some_of_the_known_ones_in_a_line(name, alike):
    with pytest.raises(
        ValueError, match=f"no system is called '{name}', expected one of the .* of the glossary, such as .*{alike}"
    ) as caught:
        catalogue.system(name, catalogue.corpus("emodb"))
    assert len(str(caught.value)) < 600


def test_the_letters_tables_have_their_systems():
    emodb, iemocap = catalogue.corpus("emodb"), catalogue.corpus("iemocap")
    depths = [f"acrnn3d-{layers}conv" for layers in range(1, 8)]
    assert catalogue.table_systems("table1", emodb) == catalogue.table_systems("table1", iemocap) == depths
    assert catalogue.table_systems("table2", emodb) == ["dnn-elm", "acrnn2d-5conv", "acrnn3d-5conv"]
    assert catalogue.table_systems("table2", catalogue.corpus("iemocap-excited")) == ["dnn-elm", "acrnn2d-6conv", "acrnn3d-6conv"]
    for table in ("table1", "table2"):
        assert all((corpus.name, system) in PUBLISHED for corpus in (emodb, iemocap) for system in catalogue.table_systems(table, corpus))


@pytest.mark.parametrize("table, corpus", [("table3", "emodb"), ("table1", "synthetic"), ("table2", "synthetic")])
def test_a_table_that_the_letter_lacks_is_refused(table, corpus):
    with pytest.raises(ValueError, match=rf"the paper has no '{table}' of '{corpus}', expected .*\['emodb', 'iemocap'\]"):
        catalogue.table_systems(table, catalogue.corpus(corpus))


def test_results_of_another_protocol_have_a_folder_of_their_own():
    folders = [folder_name("emodb", protocol) for protocol in PROTOCOLS]
    assert folders == ["emodb", *(f"emodb.{protocol}" for protocol in PROTOCOLS[1:])]
    assert folders[1] == "emodb.leave-one-session-out" and folders[-1] == "emodb.leaky-normalisation"


def test_a_systems_cost_is_its_work_a_second_of_audio():
    costs = {name: catalogue.cost(system.preset) for name, system in catalogue.SYSTEMS.items() if system.preset and system.seeds > 1}
    assert costs["acrnn3d-5conv"] == pytest.approx(11.12e9 / 3, rel=1e-3)
    # A tenth of the 100 stacks a second, and all of every fifth.
    baseline = 750 * 256 + 2 * 256 * 256 + 256 * 7
    assert costs["dnn-elm"] == pytest.approx(10 * baseline)
    assert costs["dnn-elm-whole"] == pytest.approx(20 * baseline)
    for dimensions in (3, 2):
        depths = [costs[f"acrnn{dimensions}d-{layers}conv"] for layers in range(1, 8)]
        assert depths == sorted(depths)
    assert costs["dnn-elm-whole"] < costs["tiny"] < costs["acrnn2d-1conv"] < costs["acrnn3d-1conv"]


@pytest.mark.parametrize("text, numbers", [("0", [0]), ("0,2", [0, 2]), ("3-5", [3, 4, 5]), ("7,0-2,1", [0, 1, 2, 7])])
def test_lists_of_numbers_and_ranges(text, numbers):
    assert catalogue.number_list(text) == numbers


@pytest.mark.parametrize("text", ["", "a", "1-", "1,,2", "1..3", "3-1", "0,3-1"])
def test_other_lists_are_refused(text):
    with pytest.raises(ValueError, match="expected something like"):
        catalogue.number_list(text)


def test_systems_are_ordered_and_titled_as_the_tables():
    names = ["zebra", "acrnn2d-1conv", "tiny", "acrnn3d-1conv", "dnn-elm", "tiny"]
    assert catalogue.order(names) == ["tiny", "dnn-elm", "acrnn3d-1conv", "acrnn2d-1conv", "zebra"]
    assert catalogue.titles(["acrnn3d-5conv", "dnn-elm", "dnn-elm-whole", "tiny"]) == {
        "acrnn3d-5conv": "3-D ACRNN, 5 conv",
        "dnn-elm": "DNN-ELM",
        "dnn-elm-whole": "DNN-ELM, whole utterances",
        "tiny": "tiny",
    }


def test_functionals_stand_behind_the_networks_and_beside_those_that_know_as_much_of_the_speaker():
    names = list(baselines.SYSTEMS)
    assert catalogue.order([*names[::-1], "best-adapted", "dnn-elm"]) == ["best-adapted", "dnn-elm", *names]
    assert catalogue.titles(names) == baselines.TITLES
    for name in names:
        with pytest.raises(ValueError, match="no system is called"):
            catalogue.system(name, catalogue.corpus("emodb"))  # the grid would train it
    assert [catalogue.entry(name).seeds for name in (*names, "tiny", "best")] == [1] * 4 + [SEEDS] * 2
    for name in names:
        networks = {first for first, second in catalogue.PAIRS if second == name}
        if baselines.SYSTEMS[name].model.normalisation == "speaker":
            assert name.endswith("-by-speaker") and networks == {"best-by-speaker", "best-adapted"}
        else:
            assert networks == {"dnn-elm", "acrnn3d-1conv", "best-by-utterance", "best-by-utterance.short-pauses", "best"}


def test_the_four_machines_differ_in_their_set_and_in_whose_statistics_standardise():
    compare, compact, compare_by_speaker, compact_by_speaker = (
        baselines.SYSTEMS[f"opensmile-{name}"]
        for name in ("compare-svm", "egemaps-svm", "compare-svm-by-speaker", "egemaps-svm-by-speaker")
    )
    assert (compare.features, compact.features) == (baselines.COMPARE, baselines.EGEMAPS)
    assert compare == replace(compact, features=baselines.COMPARE)
    for preset, other in ((compare, compare_by_speaker), (compact, compact_by_speaker)):
        assert preset.model.normalisation == "training" and preset.training.train_on_validation
        assert other == replace(preset, model=replace(preset.model, normalisation="speaker"))
        assert baselines.SvmPreset.from_dict(json.loads(json.dumps(other.to_dict()))) == other


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"normalisation": "utterance"}, "normalisation is 'utterance', expected 'training' or 'speaker'"),
        ({"complexities": ()}, r"complexities is \(\), expected one or more positive numbers, ascending"),
        ({"complexities": (1.0, 0.1)}, r"complexities is \(1.0, 0.1\)"),
        ({"complexities": (0.0, 1.0)}, "ascending"),
        ({"class_weight": "none"}, "class_weight is 'none', expected 'balanced'"),
    ],
)
def test_a_machine_that_cannot_be_meant_is_refused(wrong, words):
    with pytest.raises(ConfigError, match=words):
        baselines.LinearSvmConfig(**wrong)


def test_pairs_set_3d_beside_2d_and_every_network_beside_the_baseline():
    assert ("acrnn3d-5conv", "acrnn2d-5conv") in catalogue.PAIRS
    assert {first for first, second in catalogue.PAIRS if second == "dnn-elm"} == set(ablations.PAPER)
    assert len(set(catalogue.PAIRS)) == len(catalogue.PAIRS) == 44 + 14
    assert ("lite", "acrnn3d-5conv") in catalogue.PAIRS
