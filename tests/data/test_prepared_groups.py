"""A prepared corpus of either recipe, split by sessions and at random: the groups' utterances, segments, statistics and checksums."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from data_prep.corpora import emodb
from data_prep.prepare import prepare
from ser_acrnn import audio
from ser_acrnn.config import EMODB_EMOTIONS
from ser_acrnn.config.features import RECIPES, FeatureConfig, FrameConfig
from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.prepared import DatasetError, PackedCorpus, PreparedCorpus, RecordCorpus, pack, prepared_name
from ser_acrnn.data.segments import cut_segments, load_segments
from ser_acrnn.evaluation.protocol import LEAKY_RANDOM, PROTOCOLS, check_leaks, grouping, leave_one_speaker_out
from ser_acrnn.features.extraction import extract

SESSION = {"03": "Ses02", "08": "Ses01", "09": "Ses02", "10": "Ses01", "11": "Ses03", "12": "Ses03"}
SPEAKERS = sorted(SESSION)
CHOSEN = ["paper", "mfcc-pitch"]
KINDS = [f"{recipe}, {kind}" for recipe in CHOSEN for kind in ("records", "packed")]

Features = dict[str, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, write_corpus: Callable[..., list[Path]]) -> Path:
    """Six speakers of three short utterances; 12 lacks one, so that speakers weigh differently."""
    directory = tmp_path_factory.mktemp("source")
    write_corpus(directory, "WTF", tuple(SPEAKERS))
    (directory / "wav" / "12a01Fa.wav").unlink()
    return directory


@pytest.fixture(scope="module")
def features(source: Path) -> Features:
    """Recipe -> utterance -> features, straight from the files."""
    waveforms = {path.stem: audio.load(path) for path in sorted((source / "wav").glob("*.wav"))}
    return {recipe: {name: extract(wave, RECIPES[recipe]) for name, wave in waveforms.items()} for recipe in CHOSEN}


@pytest.fixture(scope="module")
def corpora(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, PreparedCorpus]:
    """The corpus by both recipes, from its shards and packed."""
    utterances = [dataclasses.replace(one, session=SESSION[one.speaker]) for one in emodb.utterances(source)]
    data, opened = tmp_path_factory.mktemp("data"), {}
    for recipe in CHOSEN:
        records = RecordCorpus(prepare("six", utterances, data, RECIPES[recipe], source=source, jobs=1))
        pack(records, data / f"{recipe}.npz")
        opened |= {f"{recipe}, records": records, f"{recipe}, packed": PackedCorpus(data / f"{recipe}.npz")}
    return opened


@pytest.fixture(params=KINDS)
def corpus(request: pytest.FixtureRequest, corpora: dict[str, PreparedCorpus]) -> PreparedCorpus:
    return corpora[request.param]


def own(corpus: PreparedCorpus, features: Features) -> dict[str, np.ndarray]:
    """The features of the corpus's recipe."""
    return features["mfcc-pitch" if isinstance(corpus.features, FrameConfig) else "paper"]


def grouped(corpus: PreparedCorpus, protocol: str, groups: dict[str, str] | None = None) -> GroupedCorpus:
    rows = corpus.manifest[["utterance", "speaker", "session"]].itertuples(index=False)
    return GroupedCorpus(corpus, grouping(protocol, rows, groups))


def moments(values: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    frames = np.concatenate(list(values)).astype(np.float64)
    return frames.mean(axis=0), frames.var(axis=0)


def assert_close(found: tuple[np.ndarray, np.ndarray], expected: tuple[np.ndarray, np.ndarray], rtol: float = 1e-5) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.float32
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-6)


# A corpus of either recipe


def test_a_prepared_folder_is_called_by_the_corpus_and_any_recipe_but_the_papers() -> None:
    assert prepared_name("emodb", RECIPES["paper"]) == "emodb"
    assert prepared_name("emodb", RECIPES["released-code"]) == "emodb.released-code"
    assert prepared_name("iemocap-excited", RECIPES["mfcc-pitch"]) == "iemocap-excited.mfcc-pitch"
    assert prepared_name("emodb", FeatureConfig(mels=26)) == f"emodb.{FeatureConfig(mels=26).recipe_hash}"


def test_a_corpus_gives_the_features_of_its_recipe(corpus: PreparedCorpus, features: Features) -> None:
    expected = own(corpus, features)
    assert corpus.features in (RECIPES["paper"], RECIPES["mfcc-pitch"])
    read = list(corpus.utterances(SPEAKERS))
    assert [name for name, _, _ in read] == sorted(expected)
    for name, emotion, values in read:
        assert emotion == emodb.EMOTION_OF_LETTER[name[5]]
        assert values.dtype == np.float32
        assert values.shape == expected[name].shape == (len(values), *corpus.features.shape)
        assert values.tobytes() == expected[name].tobytes()
    some = ["03", "12"]
    assert_close(corpus.statistics(some), moments(values for name, values in expected.items() if name[:2] in some))


def test_both_recipes_are_of_the_same_recordings(corpora: dict[str, PreparedCorpus]) -> None:
    paper, frames = (corpora[f"{recipe}, records"].manifest for recipe in CHOSEN)
    assert paper.drop(columns="segments").equals(frames.drop(columns="segments"))
    assert set(paper["segments"]) == {1}


def test_a_frame_is_a_segment_of_the_baseline(corpora: dict[str, PreparedCorpus], features: Features) -> None:
    manifest = corpora["mfcc-pitch, records"].manifest
    assert list(manifest["segments"]) == [len(features["mfcc-pitch"][name]) for name in manifest["utterance"]]


@pytest.mark.parametrize("recipe", CHOSEN)
def test_packing_loses_nothing_and_holds_no_delta(recipe: str, corpora: dict[str, PreparedCorpus], tmp_path: Path) -> None:
    records, packed = (corpora[f"{recipe}, {kind}"] for kind in ("records", "packed"))
    assert isinstance(packed, PackedCorpus)
    assert packed.static.shape[1:] == ((40,) if recipe == "paper" else (15,))
    assert packed.recipe == records.recipe
    assert packed.manifest.equals(records.manifest)
    for one, other in zip(records.statistics(SPEAKERS), packed.statistics(SPEAKERS), strict=True):
        np.testing.assert_array_equal(one, other)
    assert packed.checksums(SPEAKERS) == records.checksums(SPEAKERS)
    pack(packed, tmp_path / "again.npz")
    whole = 0, int(packed.starts[-1])
    assert PackedCorpus(tmp_path / "again.npz").static.read(*whole).tobytes() == packed.static.read(*whole).tobytes()


@pytest.mark.parametrize("kind", ["records", "packed"])
def test_frames_of_the_baseline_are_not_cut_as_log_mels(kind: str, corpora: dict[str, PreparedCorpus]) -> None:
    message = "six: was prepared by the recipe 'mfcc-pitch', expected log-Mels"
    with pytest.raises(DatasetError, match=message):
        load_segments(corpora[f"mfcc-pitch, {kind}"], ["03"], EMODB_EMOTIONS)


def test_segments_are_what_the_cut_makes_of_each_utterance(corpus: PreparedCorpus, features: Features) -> None:
    expected = own(corpus, features)
    segments = cut_segments(corpus, ["12", "03"], EMODB_EMOTIONS, lambda values: np.stack([values[:10], values[-10:]]))
    names = [name for name in sorted(expected) if name[:2] in ("03", "12")]
    assert segments.utterance_ids == tuple(names)
    assert segments.features.shape == (2 * len(names), 10, *corpus.features.shape)
    assert segments.utterance.tolist() == [number for number in range(len(names)) for _ in range(2)]
    assert [EMODB_EMOTIONS[label] for label in segments.labels[::2]] == [emodb.EMOTION_OF_LETTER[name[5]] for name in names]
    for number, name in enumerate(names):
        np.testing.assert_array_equal(segments.features[2 * number + 1], expected[name][-10:])
    with pytest.raises(DatasetError, match=r"six: utterance 03a01Fa has the emotion 'happy', expected one of \['angry', 'sad'\]"):
        cut_segments(corpus, ["03"], ("angry", "sad"), lambda values: values[None, :10])


def test_a_speaker_is_a_group_unless_told(corpus: PreparedCorpus) -> None:
    assert corpus.groups == corpus.speakers == SPEAKERS
    assert list(corpus.group) == list(corpus.manifest["speaker"])
    shards = corpus.recipe["speakers"]
    assert corpus.checksums(["11", "03", "11"]) == [shards["03"]["shard_sha256"], shards["11"]["shard_sha256"]]
    assert len(set(corpus.checksums(SPEAKERS))) == 6


# The same corpus in groups


def test_a_session_holds_its_speakers_utterances(corpus: PreparedCorpus, features: Features) -> None:
    sessions, expected = grouped(corpus, "leave-one-session-out"), own(corpus, features)
    assert sessions.groups == ["Ses01", "Ses02", "Ses03"]
    assert sessions.speakers == SPEAKERS
    assert (sessions.name, sessions.features) == (corpus.name, corpus.features)
    read = list(sessions.utterances(["Ses03", "Ses01", "Ses03"]))
    assert [name for name, _, _ in read] == [name for name in sorted(expected) if name[:2] in ("08", "10", "11", "12")]
    for name, emotion, values in read:
        assert emotion == emodb.EMOTION_OF_LETTER[name[5]]
        assert values.tobytes() == expected[name].tobytes()


def test_folds_are_named_by_sessions_and_no_session_is_in_two_parts(corpus: PreparedCorpus) -> None:
    sessions = grouped(corpus, "leave-one-session-out")
    folds = leave_one_speaker_out(sessions.groups)
    assert [(fold.test, fold.validation, fold.train) for fold in folds] == [
        ("Ses01", "Ses02", ("Ses03",)),
        ("Ses02", "Ses03", ("Ses01",)),
        ("Ses03", "Ses01", ("Ses02",)),
    ]
    session_of = corpus.manifest.set_index("utterance")["session"]
    for fold in folds:
        parts = [{name for name, _, _ in sessions.utterances(part)} for part in (fold.train, [fold.validation], [fold.test])]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 17
        held = [set(session_of[sorted(part)]) for part in parts]
        assert held == [set(fold.train), {fold.validation}, {fold.test}]
        check_leaks(
            fold, sessions.manifest.assign(group=sessions.group)[["utterance", "group", "speaker", "sha256"]].itertuples(index=False)
        )


@pytest.mark.parametrize("protocol", ["leave-one-session-out", LEAKY_RANDOM])
def test_statistics_of_groups_are_those_of_their_frames(corpus: PreparedCorpus, features: Features, protocol: str) -> None:
    parts, expected = grouped(corpus, protocol), own(corpus, features)
    for wanted in (parts.groups[:1], parts.groups[1:]):
        names = set(parts.manifest["utterance"][parts.group.isin(wanted)])
        assert 0 < len(names) < 17
        assert_close(parts.statistics(wanted), moments(values for name, values in expected.items() if name in names))


def test_statistics_of_groups_are_the_speakers_sums_where_groups_are_speakers(corpus: PreparedCorpus) -> None:
    by_speaker = grouped(corpus, "leave-one-speaker-out")
    assert by_speaker.groups == SPEAKERS
    for wanted in (["08"], ["03", "12"], SPEAKERS):
        assert_close(by_speaker.statistics(wanted), corpus.statistics(wanted), rtol=1e-6)
    assert by_speaker.checksums(["03", "12"]) == corpus.checksums(["03", "12"])
    sessions = grouped(corpus, "leave-one-session-out")
    assert_close(sessions.statistics(["Ses01"]), corpus.statistics(["08", "10"]), rtol=1e-6)


def test_records_and_packed_are_grouped_alike(corpora: dict[str, PreparedCorpus]) -> None:
    for recipe in CHOSEN:
        records, packed = (grouped(corpora[f"{recipe}, {kind}"], LEAKY_RANDOM) for kind in ("records", "packed"))
        for group in records.groups:
            read = [[(name, emotion, values.tobytes()) for name, emotion, values in one.utterances([group])] for one in (records, packed)]
            assert read[0] == read[1]
            assert read[0]


def test_random_parts_hold_all_utterances_once(corpus: PreparedCorpus, features: Features) -> None:
    parts = grouped(corpus, LEAKY_RANDOM)
    assert len(parts.groups) == 10
    read = [name for group in parts.groups for name, _, _ in parts.utterances([group])]
    assert sorted(read) == sorted(own(corpus, features))


def test_checksums_are_those_of_all_shards_that_are_read(corpus: PreparedCorpus) -> None:
    sessions, parts = grouped(corpus, "leave-one-session-out"), grouped(corpus, LEAKY_RANDOM)
    assert sessions.checksums(["Ses02"]) == corpus.checksums(["03", "09"])
    for group in parts.groups:
        speakers = {name[:2] for name, _, _ in parts.utterances([group])}
        assert parts.checksums([group]) == corpus.checksums(speakers)


def test_segments_of_a_group_are_those_of_its_speakers(corpora: dict[str, PreparedCorpus]) -> None:
    corpus = corpora["paper, records"]
    groups = dict(zip(SPEAKERS, "xyxyzz", strict=True))
    one = load_segments(grouped(corpus, "leave-one-group-out", groups), ["y"], EMODB_EMOTIONS)
    other = load_segments(corpus, ["08", "10"], EMODB_EMOTIONS)
    assert one.utterance_ids == other.utterance_ids
    np.testing.assert_array_equal(one.features, other.features)


@pytest.mark.parametrize("wanted", [["Ses01", "Ses09"], ["03"], []])
def test_an_unknown_group_is_named_with_the_known_ones(corpus: PreparedCorpus, wanted: list[str]) -> None:
    sessions = grouped(corpus, "leave-one-session-out")
    unknown = [group for group in wanted if group != "Ses01"]
    for ask in (sessions.statistics, sessions.checksums, lambda names: list(sessions.utterances(names))):
        with pytest.raises(DatasetError) as caught:
            ask(wanted)
        assert f"six: no speaker(s) or group(s) {unknown}, expected some of ['Ses01', 'Ses02', 'Ses03']" in str(caught.value)


def test_every_protocol_splits_a_corpus_that_has_what_it_splits_by(corpora: dict[str, PreparedCorpus]) -> None:
    groups = dict(zip(SPEAKERS, "xyxyzz", strict=True))
    corpus = corpora["mfcc-pitch, packed"]
    expected = dict.fromkeys(PROTOCOLS, 6) | {
        "leave-one-session-out": 3,
        "leave-one-group-out": 3,
        "leaky-random": 10,
        "leaky-segments": 10,
    }
    del expected["leave-one-speaker-and-texts-out"]
    assert {protocol: len(grouped(corpus, protocol, groups).groups) for protocol in expected} == expected
    with pytest.raises(ValueError, match="leave-one-speaker-and-texts-out has groups of its own for each fold"):
        grouped(corpus, "leave-one-speaker-and-texts-out", groups)
