"""A prepared corpus gives the same segments in memory and as a stream, from shards and packed; statistics are a fold's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from data_prep.corpora import emodb
from data_prep.prepare import prepare
from ser_acrnn import audio
from ser_acrnn.config import EMODB_EMOTIONS, FEATURE_RECIPES, FeatureConfig
from ser_acrnn.data import tfrecords
from ser_acrnn.data.prepared import DatasetError, PackedCorpus, PreparedCorpus, RecordCorpus, open_corpus
from ser_acrnn.data.segments import load_segments
from ser_acrnn.features.log_mels import log_mels, log_mels_3d

SPEAKERS = ["03", "08", "09", "10"]
TRAINING = ["03", "08"]
# Segments of an utterance without overlap and with a hop of 1.5 s, by its letter; in the order of the sorted names.
SEGMENTS = {"A": (2, 2), "F": (1, 1), "L": (3, 4), "N": (2, 2), "T": (1, 1), "W": (1, 1)}
FRAMES = {"A": 449, "F": 300, "L": 699, "N": 301, "T": 169, "W": 79}


@pytest.fixture(scope="module")
def utterances(small_corpus: Path) -> dict[str, np.ndarray]:
    """3-D log-Mels of each utterance, straight from its file."""
    return {path.stem: log_mels_3d(audio.load(path)) for path in sorted((small_corpus / "wav").glob("*.wav"))}


@pytest.fixture
def copy(prepared: Path, tmp_path: Path) -> Path:
    """The prepared corpus, to be damaged."""
    return Path(shutil.copytree(prepared, tmp_path / "copy"))


@pytest.mark.parametrize("kind", ["corpus", "packed"])
def test_a_corpus_tells_what_is_in_it(kind: str, request: pytest.FixtureRequest, utterances: dict[str, np.ndarray]) -> None:
    opened: PreparedCorpus = request.getfixturevalue(kind)
    assert opened.name == "small"
    assert opened.features == FEATURE_RECIPES["paper"]
    assert opened.speakers == SPEAKERS  # "03", not 3
    assert list(opened.manifest["utterance"]) == sorted(utterances)
    read = list(opened.utterances(["10", "03", "10"]))
    assert [name for name, _, _ in read] == [name for name in sorted(utterances) if name[:2] in ("03", "10")]
    for name, emotion, features in read:
        assert emotion == emodb.EMOTION_OF_LETTER[name[5]]
        assert len(features) == FRAMES[name[5]]
        assert features.dtype == np.float32
        assert features.tobytes() == utterances[name].tobytes()


def test_both_kinds_are_opened_by_their_path(prepared: Path, packed_file: Path) -> None:
    assert isinstance(open_corpus(str(prepared)), RecordCorpus)
    assert isinstance(open_corpus(packed_file), PackedCorpus)


@pytest.mark.parametrize("kind", ["corpus", "packed"])
@pytest.mark.parametrize("speakers", [["03", "99"], [3], []])
def test_an_unknown_speaker_is_named_with_the_known_ones(kind: str, speakers: list, request: pytest.FixtureRequest) -> None:
    opened = request.getfixturevalue(kind)
    unknown = [speaker for speaker in speakers if speaker != "03"]
    for ask in (
        opened.statistics,
        lambda names: list(opened.utterances(names)),
        lambda names: load_segments(opened, names, EMODB_EMOTIONS),
    ):
        with pytest.raises(DatasetError) as caught:
            ask(speakers)
        assert f"small: no speaker(s) or group(s) {unknown}, expected some of {SPEAKERS}" in str(caught.value)


def test_a_label_that_was_edited_is_refused_before_anything_learns_from_it(copy: Path) -> None:
    manifest = copy / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",happy,", ",bored,", 1))
    with pytest.raises(DatasetError, match=r"manifest\.csv: \w+Fa is 'bored', expected 'happy' as speaker-\d+\.tfrecord has it; prepare"):
        load_segments(open_corpus(copy), SPEAKERS, EMODB_EMOTIONS)


@pytest.mark.parametrize("name", ["manifest.csv", "recipe.json"])
def test_a_folder_that_lacks_a_table_is_no_corpus(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(DatasetError, match=rf"lacks \['{name}'\], expected a prepared corpus") as caught:
        open_corpus(copy)
    assert str(copy) in str(caught.value)
    with pytest.raises(DatasetError, match=r"lacks \['manifest.csv', 'recipe.json'\]"):
        open_corpus(copy / "none")


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("manifest.csv", lambda text: "", "No columns"),
        ("manifest.csv", lambda text: text.replace("\n03", '\n"03', 1), "EOF inside string"),
        ("manifest.csv", lambda text: text.replace("emotion", "label", 1), r"lacks the columns \['emotion'\]"),
        ("manifest.csv", lambda text: text.partition("\n")[0] + "\n", "holds no utterance"),
        ("manifest.csv", lambda text: "\n".join([text.split("\n")[0], *(f"{line},1" for line in text.split("\n")[1:-1])]), "more fields"),
        ("recipe.json", lambda text: text[:100], "Unterminated string|Expecting"),
        ("recipe.json", lambda text: "[]", "list indices"),
        ("recipe.json", lambda text: text.replace('"speakers"', '"people"'), "no 'speakers'"),
    ],
)
def test_a_damaged_table_is_named(copy: Path, name: str, damage: Callable[[str], str], words: str) -> None:
    (copy / name).write_text(damage((copy / name).read_text()))
    with pytest.raises(DatasetError, match=rf"^{copy.resolve() / name}: .*({words}).*, expected what preparation writes"):
        RecordCorpus(copy)


def test_a_recipe_that_contradicts_its_hash_is_refused_with_both(copy: Path) -> None:
    recipe = json.loads((copy / "recipe.json").read_text())
    recipe["features"]["preemphasis"] = 0.97
    (copy / "recipe.json").write_text(json.dumps(recipe))
    with pytest.raises(DatasetError) as caught:
        open_corpus(copy)
    assert FeatureConfig().recipe_hash in str(caught.value)
    assert FeatureConfig(preemphasis=0.97).recipe_hash in str(caught.value)


def other_recipe(folder: Path, speaker: str) -> tuple[str, str]:
    """Replaces a speaker's shard by one of another recipe; returns the corpus's hash and the shard's."""
    shard = folder / tfrecords.shard_name(speaker)
    records = list(tfrecords.Shard(shard, FeatureConfig()))
    other = FEATURE_RECIPES["released-code"].recipe_hash
    tfrecords.write_shard(shard, [{**record, "recipe": other} for record in records])
    return FeatureConfig().recipe_hash, other


def test_a_shard_of_another_recipe_is_refused_with_both_hashes(copy: Path) -> None:
    hashes = other_recipe(copy, "08")
    load_segments(RecordCorpus(copy), ["03"], EMODB_EMOTIONS)
    with pytest.raises(tfrecords.RecordError) as caught:
        load_segments(RecordCorpus(copy), TRAINING, EMODB_EMOTIONS)
    assert all(part in str(caught.value) for part in (*hashes, "speaker-08.tfrecord"))


def test_a_damaged_and_a_missing_shard_are_named(copy: Path) -> None:
    shard = copy / "speaker-08.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(tfrecords.RecordError, match=r"speaker-08\.tfrecord: the shard is damaged"):
        load_segments(RecordCorpus(copy), TRAINING, EMODB_EMOTIONS)
    shard.unlink()
    with pytest.raises(tfrecords.RecordError, match=r"speaker-08\.tfrecord: no such shard"):
        load_segments(RecordCorpus(copy), TRAINING, EMODB_EMOTIONS)


@pytest.mark.parametrize("kept", [0, 4])
def test_a_shard_that_was_cut_between_two_records_is_named(copy: Path, kept: int) -> None:
    shard = copy / "speaker-08.tfrecord"
    tfrecords.write_shard(shard, list(tfrecords.Shard(shard, FeatureConfig()))[:kept])
    with pytest.raises((DatasetError, tfrecords.RecordError), match=r"speaker-08\.tfrecord"):
        load_segments(RecordCorpus(copy), TRAINING, EMODB_EMOTIONS)


def test_whoever_has_opened_a_set_never_reads_another(write_corpus: Callable[..., list[Path]], tmp_path: Path) -> None:
    """An open corpus keeps to its folder when preparation has switched the link."""
    write_corpus(tmp_path / "source", "WT", ("03",))
    link = prepare("mine", emodb.utterances(tmp_path / "source"), tmp_path / "data", jobs=1)
    opened = RecordCorpus(link)
    before = list(opened.utterances(["03"]))
    kept = Path(shutil.copytree(link.resolve(), tmp_path / "kept"))
    write_corpus(tmp_path / "source", "WT", ("03",), seed=1)
    prepare("mine", emodb.utterances(tmp_path / "source"), tmp_path / "data", jobs=1)
    with pytest.raises(tfrecords.RecordError, match="no such shard"):
        list(opened.utterances(["03"]))
    again = list(RecordCorpus(kept).utterances(["03"]))
    assert [features.tobytes() for _, _, features in again] == [features.tobytes() for _, _, features in before]


@pytest.mark.parametrize("kind", ["corpus", "packed"])
def test_one_utterance_is_read_by_its_name(kind: str, request: pytest.FixtureRequest, utterances: dict[str, np.ndarray]) -> None:
    opened = request.getfixturevalue(kind)
    for name in ("10a01Wa", "03a01La", "10a01Wa"):
        assert opened.read(name).tobytes() == utterances[name].tobytes()
        assert opened.read(name).shape == utterances[name].shape
    with pytest.raises(DatasetError, match=r"small: no utterance '08a01La', expected one of the 23 of the manifest"):
        opened.read("08a01La")


def moments(features: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    frames = np.concatenate(list(features)).astype(np.float64)
    return frames.mean(axis=0), frames.var(axis=0)


@pytest.mark.parametrize("kind", ["corpus", "packed"])
@pytest.mark.parametrize("speakers", [["03"], TRAINING, SPEAKERS])
def test_statistics_are_those_of_the_speakers_frames(
    kind: str, speakers: list[str], request: pytest.FixtureRequest, utterances: dict[str, np.ndarray]
) -> None:
    mean, variance = request.getfixturevalue(kind).statistics(speakers)
    expected_mean, expected_variance = moments(values for name, values in utterances.items() if name[:2] in speakers)
    assert mean.shape == variance.shape == (40, 3)
    assert mean.dtype == variance.dtype == np.float32
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, expected_variance, rtol=1e-5, atol=1e-6)


def test_statistics_count_neither_padding_nor_a_frame_twice(corpus: RecordCorpus, utterances: dict[str, np.ndarray]) -> None:
    """Segments hold padding, and overlap at an utterance's end: their moments are far from the frames'."""
    mean, variance = corpus.statistics(TRAINING)
    padded_mean, padded_variance = moments(load_segments(corpus, TRAINING, EMODB_EMOTIONS).features)
    assert np.abs(mean - padded_mean)[:, 0].max() > 0.1
    assert np.abs(variance - padded_variance)[:, 0].max() > 0.1
    frames = sum(corpus.recipe["speakers"][speaker]["frames"] for speaker in TRAINING)
    assert frames == 2 * sum(FRAMES.values()) - FRAMES["L"]


def test_statistics_of_training_speakers_do_not_hang_on_the_others(
    corpus: RecordCorpus, write_corpus: Callable[..., list[Path]], tmp_path: Path
) -> None:
    write_corpus(tmp_path, speakers=("03",))
    write_corpus(tmp_path, "WTFNA", speakers=("08",))
    write_corpus(tmp_path, speakers=("09", "10"), seed=1)
    other = RecordCorpus(prepare("small", emodb.utterances(tmp_path), tmp_path / "data", jobs=1))
    for mine, others in zip(corpus.statistics(TRAINING), other.statistics(TRAINING), strict=True):
        np.testing.assert_array_equal(mine, others)
    assert not np.array_equal(corpus.statistics(["09"])[0], other.statistics(["09"])[0])
    assert not np.array_equal(corpus.statistics(TRAINING)[0], corpus.statistics(SPEAKERS)[0])


def test_statistics_do_not_hang_on_the_order_or_repetition_of_names(corpus: RecordCorpus) -> None:
    for one, other in zip(corpus.statistics(["08", "03", "08"]), corpus.statistics(TRAINING), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_coefficient_that_never_changes_has_a_variance_to_divide_by(copy: Path) -> None:
    recipe = json.loads((copy / "recipe.json").read_text())
    entry = recipe["speakers"]["03"]
    entry["sum"] = np.full((40, 3), 3.0 * entry["frames"]).tolist()
    entry["sum_of_squares"] = np.full((40, 3), 9.0 * entry["frames"]).tolist()
    (copy / "recipe.json").write_text(json.dumps(recipe))
    mean, variance = RecordCorpus(copy).statistics(["03"])
    np.testing.assert_array_equal(mean, 3)
    assert (variance > 0).all()


@pytest.mark.parametrize(("hop_seconds", "column"), [(None, 0), (1.5, 1)])
def test_segments_are_the_utterances_pieces(
    corpus: RecordCorpus, utterances: dict[str, np.ndarray], hop_seconds: float | None, column: int
) -> None:
    segments = load_segments(corpus, TRAINING, EMODB_EMOTIONS, hop_seconds=hop_seconds)
    names = [name for name in sorted(utterances) if name[:2] in TRAINING]
    assert segments.utterance_ids == tuple(names)
    assert [EMODB_EMOTIONS[label] for label in segments.utterance_labels] == [emodb.EMOTION_OF_LETTER[name[5]] for name in names]
    np.testing.assert_array_equal(segments.labels, segments.utterance_labels[segments.utterance])
    assert segments.features.dtype == np.float32
    assert segments.labels.dtype == segments.utterance.dtype == np.int64
    for number, name in enumerate(names):
        own, whole = segments.features[segments.utterance == number], utterances[name]
        assert own.shape == (SEGMENTS[name[5]][column], 300, 40, 3)
        np.testing.assert_array_equal(own[0, : len(whole)], whole[:300])
        np.testing.assert_array_equal(own[0, len(whole) :], 0)
        if len(whole) >= 300:
            np.testing.assert_array_equal(own[-1], whole[-300:])
        if len(own) == 4:
            np.testing.assert_array_equal(own[1], whole[150:450])


@pytest.mark.parametrize("kind", ["corpus", "packed"])
def test_deltas_see_beyond_the_cut(kind: str, request: pytest.FixtureRequest, small_corpus: Path) -> None:
    """Eq. (2) at the last frame of the first segment of a 7 s utterance, by hand."""
    segments = load_segments(request.getfixturevalue(kind), ["03"], EMODB_EMOTIONS)
    number = segments.utterance_ids.index("03a01La")
    static = log_mels(audio.load(small_corpus / "wav" / "03a01La.wav")).astype(np.float64)
    expected = (static[300] - static[298] + 2 * (static[301] - static[297])) / 10
    first = segments.features[segments.utterance == number][0]
    np.testing.assert_allclose(first[299, :, 1], expected, rtol=0, atol=1e-5)


def test_one_channel_is_the_static_one(corpus: RecordCorpus) -> None:
    three, one = (load_segments(corpus, ["03"], EMODB_EMOTIONS, channels=channels) for channels in (3, 1))
    assert one.features.shape == (10, 300, 40, 1)
    np.testing.assert_array_equal(one.features, three.features[..., :1])
    np.testing.assert_array_equal(one.labels, three.labels)


def test_an_emotion_that_is_no_class_is_named(corpus: RecordCorpus) -> None:
    with pytest.raises(DatasetError, match=r"small: utterance 03a01Aa has the emotion 'fear', expected one of \['angry', 'sad'\]"):
        load_segments(corpus, ["03"], ("angry", "sad"))
