"""The preparation: the same bytes each time, only the work that is needed, and never half a corpus."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.corpora import emodb
from data_prep.prepare import prepare
from ser_acrnn import __version__, audio
from ser_acrnn.config import EMODB_EMOTIONS, FEATURE_RECIPES
from ser_acrnn.config.features import RECIPES, FeatureConfig
from ser_acrnn.data import tfrecords
from ser_acrnn.data.corpus import CorpusError, Utterance
from ser_acrnn.data.prepared import RecordCorpus
from ser_acrnn.data.segments import load_segments
from ser_acrnn.features.log_mels import log_mels_3d
from ser_acrnn.features.mfcc_pitch import mfcc_pitch

ROOT = Path(__file__).parents[2]
Write = Callable[..., list[Path]]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, whatever the folder's name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def identities(link: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of each shard."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in sorted(link.glob("*.tfrecord"))}


def run(source: Path, data: Path, **options: object) -> Path:
    options = {"source": source, "jobs": 1, **options}
    return prepare("mine", emodb.utterances(source), data, **options)  # type: ignore[arg-type]


def change(path: Path) -> None:
    samples, rate = soundfile.read(path, dtype="int16")
    soundfile.write(path, samples[::-1], rate)


def test_the_folder_holds_a_shard_a_speaker_and_the_tables(prepared: Path) -> None:
    speakers = ("03", "08", "09", "10")
    assert sorted(path.name for path in prepared.iterdir()) == sorted(
        ["manifest.csv", "recipe.json", *(f"speaker-{speaker}.{kind}" for speaker in speakers for kind in ("json", "tfrecord"))]
    )
    assert len(list(prepared.parent.iterdir())) == 2  # the link and its folder
    for speaker in speakers:
        records = list(tfrecords.Shard(prepared / f"speaker-{speaker}.tfrecord", FEATURE_RECIPES["paper"]))
        assert [record["speaker"] for record in records] == [speaker] * (5 if speaker == "08" else 6)


def test_the_manifest_tells_what_each_recording_is(prepared: Path, small_corpus: Path) -> None:
    text = (prepared / "manifest.csv").read_text()
    assert text.splitlines()[0] == "utterance,speaker,session,emotion,path,sha256,seconds,segments"
    rows = list(csv.DictReader(text.splitlines()))
    paths = sorted((small_corpus / "wav").iterdir())
    assert [row["utterance"] for row in rows] == [path.stem for path in paths]
    for row, path in zip(rows, paths, strict=True):
        samples = soundfile.info(path).frames
        frames = len(log_mels_3d(audio.load(path)))
        assert row == {
            "utterance": path.stem,
            "speaker": path.stem[:2],
            "session": "",
            "emotion": emodb.EMOTION_OF_LETTER[path.stem[5]],
            "path": f"wav/{path.name}",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "seconds": str(round(samples / 16_000, 4)),
            "segments": str(max(1, -(-frames // 300))),
        }


def test_the_recipe_tells_how_it_was_made(prepared: Path) -> None:
    recipe = json.loads((prepared / "recipe.json").read_text())
    assert set(recipe) == {"corpus", "version", "recipe_hash", "features", "speakers", "about", "left_out"}
    assert (recipe["corpus"], recipe["version"], recipe["about"], recipe["left_out"]) == ("small", __version__, {}, [])
    assert recipe["features"] == FEATURE_RECIPES["paper"].to_dict()
    assert recipe["recipe_hash"] == FEATURE_RECIPES["paper"].recipe_hash
    for speaker, entry in recipe["speakers"].items():
        shard = prepared / f"speaker-{speaker}.tfrecord"
        assert entry["shard_sha256"] == hashlib.sha256(shard.read_bytes()).hexdigest()
        features = [record["features"].astype(np.float64) for record in tfrecords.Shard(shard, FEATURE_RECIPES["paper"])]
        frames = np.concatenate(features)
        assert entry["frames"] == len(frames)
        np.testing.assert_allclose(entry["sum"], frames.sum(axis=0), rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(entry["sum_of_squares"], (frames**2).sum(axis=0), rtol=1e-9)


def test_the_records_carry_the_manifests_facts(prepared: Path) -> None:
    corpus = RecordCorpus(prepared)
    records = [record for shard in corpus.shards(corpus.speakers) for record in tfrecords.Shard(shard, corpus.features)]
    for column in ("utterance", "speaker", "session", "emotion", "sha256"):
        assert [record[column] for record in records] == list(corpus.manifest[column])
    segments = load_segments(corpus, corpus.speakers, EMODB_EMOTIONS)
    assert list(np.bincount(segments.utterance)) == list(corpus.manifest["segments"])


def test_the_released_recipe_is_another_corpus(source: Path, data: Path) -> None:
    paper, released = run(source, data / "a"), run(source, data / "b", config=FEATURE_RECIPES["released-code"])
    one, other = (next(iter(RecordCorpus(link).utterances(["03"])))[2] for link in (paper, released))
    expected = log_mels_3d(audio.load(source / "wav" / "03a01Ta.wav"), FEATURE_RECIPES["released-code"])
    assert other.tobytes() == expected.tobytes()
    assert one.tobytes() != other.tobytes()


def test_the_same_corpus_gives_the_same_bytes_whatever_the_processes_the_place_and_the_order(
    source: Path, data: Path, prepared: Path, small_corpus: Path, tmp_path: Path
) -> None:
    first = run(source, data / "a")
    expected = contents(first)
    assert contents(run(source, data / "b", jobs=2)) == expected
    moved = Path(shutil.copytree(source, tmp_path / "elsewhere"))
    assert contents(run(moved, data / "c")) == expected
    shuffled = [emodb.utterances(source)[index] for index in (4, 0, 2, 5, 1, 3)]
    link = prepare("mine", shuffled, data / "d", source=source, jobs=1)
    assert contents(link) == expected
    assert first.resolve().name == link.resolve().name


def test_an_id_that_occurs_twice_is_refused(source: Path, data: Path) -> None:
    with pytest.raises(CorpusError, match="occurs twice"):
        prepare("mine", emodb.utterances(source) * 2, data, jobs=1)


def test_an_unchanged_corpus_is_left_alone(source: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = run(source, data)
    before, target, bytes_before = identities(link), link.resolve(), contents(link)

    def refuse(*arguments: object) -> None:
        raise AssertionError("a shard was written although nothing has changed")

    monkeypatch.setattr(tfrecords, "write_shard", refuse)
    assert run(source, data) == link
    assert identities(link) == before
    assert link.resolve() == target
    assert contents(link) == bytes_before


def test_a_changed_recording_rewrites_its_speakers_shard_alone(source: Path, data: Path, tmp_path: Path) -> None:
    link = run(source, data)
    before = identities(link)
    change(source / "wav" / "08a01Wa.wav")
    run(source, data)
    after = identities(link)
    assert {name for name in before if before[name] != after[name]} == {"speaker-08.tfrecord"}
    assert len(list(data.iterdir())) == 2
    assert contents(link) == contents(run(source, tmp_path / "fresh"))


def test_a_new_and_a_removed_recording_count_as_change(source: Path, data: Path, tmp_path: Path, write_corpus: Write) -> None:
    link = run(source, data)
    before = identities(link)
    write_corpus(source, "W", ("10",))
    (source / "wav" / "03a01Ta.wav").unlink()
    run(source, data)
    after = identities(link)
    assert {name: after[name] == before.get(name) for name in after} == {
        "speaker-03.tfrecord": False,
        "speaker-08.tfrecord": True,
        "speaker-09.tfrecord": True,
        "speaker-10.tfrecord": False,
    }
    for path in (source / "wav").glob("08*"):
        path.unlink()
    run(source, data)
    assert RecordCorpus(link).speakers == ["03", "09", "10"]
    assert not (link / "speaker-08.tfrecord").exists()
    assert contents(link) == contents(run(source, tmp_path / "fresh"))


def test_recipes_of_a_corpus_stand_side_by_side(source: Path, data: Path) -> None:
    other = FeatureConfig(mels=26)
    names = {"mine": RECIPES["paper"], "mine.released-code": RECIPES["released-code"], "mine.mfcc-pitch": RECIPES["mfcc-pitch"]}
    names[f"mine.{other.recipe_hash}"] = other
    for name, config in names.items():
        assert run(source, data, config=config) == data / name
    assert len(os.listdir(data)) == 2 * len(names)  # the links and their folders
    change(source / "wav" / "08a01Wa.wav")
    for anew in ("mine.mfcc-pitch", "mine"):
        before = {name: (identities(data / name), contents(data / name)) for name in names}
        run(source, data, config=names[anew])
        assert len(os.listdir(data)) == 2 * len(names)  # what was replaced is gone, and nothing else
        for name, config in names.items():
            corpus = RecordCorpus(data / name)
            assert (corpus.name, corpus.features) == ("mine", config)
            assert [len(values) for _, _, values in corpus.utterances(["03"])] == [169, 79]
            assert ((identities(data / name), contents(data / name)) == before[name]) == (name != anew)


def test_the_baselines_frames_are_prepared_as_log_mels_are(source: Path, data: Path, tmp_path: Path) -> None:
    config = RECIPES["mfcc-pitch"]
    link = run(source, data, config=config)
    recipe = json.loads((link / "recipe.json").read_text())
    assert (recipe["recipe_hash"], recipe["features"]) == (config.recipe_hash, config.to_dict())
    for speaker, entry in recipe["speakers"].items():
        records = list(tfrecords.Shard(link / f"speaker-{speaker}.tfrecord", config))
        for record in records:
            expected = mfcc_pitch(audio.load(source / "wav" / f"{record['utterance']}.wav"))[..., None]
            assert record["features"].tobytes() == expected.tobytes()
        frames = np.concatenate([record["features"].astype(np.float64) for record in records])
        assert entry["frames"] == len(frames)
        np.testing.assert_allclose(entry["sum"], frames.sum(axis=0), rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(entry["sum_of_squares"], (frames**2).sum(axis=0), rtol=1e-9)
    assert contents(run(source, tmp_path / "fresh", config=config, jobs=2)) == contents(link)
    before = identities(link)
    run(source, data, config=config)
    assert identities(link) == before


@pytest.mark.parametrize("damage", ["removed", "changed", "emptied"])
def test_a_damaged_shard_is_rebuilt(source: Path, data: Path, damage: str) -> None:
    link = run(source, data)
    expected, before = contents(link), identities(link)
    shard = link / "speaker-08.tfrecord"
    if damage == "removed":
        shard.unlink()
    else:
        content = bytearray(shard.read_bytes())
        content[1_000] ^= 1
        shard.write_bytes(content if damage == "changed" else b"")
    run(source, data)
    assert contents(link) == expected
    after = identities(link)
    assert {name for name in before if before[name] != after[name]} == {"speaker-08.tfrecord"}


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        ("remove", "manifest.csv"),
        ("empty", "manifest.csv"),
        ("remove", "recipe.json"),
        ("remove", "speaker-08.json"),
        ("empty", "speaker-08.json"),
        ("{}", "speaker-08.json"),
        ("[1]", "speaker-08.json"),
    ],
)
def test_a_damaged_table_is_rebuilt(source: Path, data: Path, damage: str, name: str) -> None:
    link = run(source, data)
    expected = contents(link)
    (link / name).unlink()
    if damage != "remove":
        (link / name).write_text(damage.removeprefix("empty"))
    run(source, data)
    assert contents(link) == expected


def test_corpora_side_by_side_do_not_touch_each_other(source: Path, data: Path) -> None:
    """Also when the name of one begins with another's."""
    utterances = emodb.utterances(source)
    links = [prepare(name, utterances, data, source=source, jobs=1) for name in ("mine-small", "mine-0123456789abcdef", "mine")]
    change(source / "wav" / "08a01Wa.wav")
    prepare("mine", utterances, data, source=source, jobs=1)
    for link in links:
        assert len(list(RecordCorpus(link).utterances(["03", "08", "09"]))) == 6


def test_a_folder_that_is_not_ours_is_not_written_over(source: Path, data: Path) -> None:
    (data / "mine").mkdir(parents=True)
    (data / "mine" / "precious.txt").write_text("x")
    with pytest.raises(CorpusError, match="is not a prepared corpus's link") as caught:
        run(source, data)
    assert str(data / "mine") in str(caught.value)
    assert contents(data) == {"mine/precious.txt": b"x"}


def test_a_link_that_leads_nowhere_is_replaced(source: Path, data: Path) -> None:
    data.mkdir()
    (data / "mine").symlink_to("gone")
    assert len(RecordCorpus(run(source, data)).manifest) == 6


@pytest.mark.parametrize("jobs", [1, 2])
def test_unusable_recordings_refuse_the_corpus_and_are_all_named(source: Path, data: Path, bad: dict[str, str], jobs: int) -> None:
    with pytest.raises(CorpusError, match=r"mine: 3 unusable recording\(s\), expected none \(--skip-bad leaves them out\)") as caught:
        run(source, data, jobs=jobs)
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 3
    for line, (name, reason) in zip(lines, bad.items(), strict=True):
        assert f"{name}.wav: " in line
        assert reason in line
    assert not (data / "mine").exists()


def test_a_recording_that_vanishes_is_named(source: Path, data: Path) -> None:
    utterances = [*emodb.utterances(source), Utterance("gone", source / "wav" / "gone.wav", "03", "sad")]
    with pytest.raises(CorpusError, match=r"gone\.wav: cannot be read \(No such file or directory\)"):
        prepare("mine", utterances, data, jobs=1)
    link = prepare("mine", utterances, data, jobs=1, skip_bad=True)
    assert [item["utterance"] for item in json.loads((link / "recipe.json").read_text())["left_out"]] == ["gone"]


def test_a_refusal_leaves_the_old_set(source: Path, data: Path, request: pytest.FixtureRequest) -> None:
    link = run(source, data)
    before, bytes_before, target = identities(link), contents(link), link.resolve()
    request.getfixturevalue("bad")
    with pytest.raises(CorpusError):
        run(source, data)
    assert (identities(link), contents(link), link.resolve()) == (before, bytes_before, target)


def test_skip_bad_leaves_them_out_and_says_so(source: Path, data: Path, bad: dict[str, str]) -> None:
    link = run(source, data, skip_bad=True)
    recipe = json.loads((link / "recipe.json").read_text())
    assert {item["utterance"] for item in recipe["left_out"]} == set(bad)
    for item in recipe["left_out"]:
        assert bad[item["utterance"]] in item["reason"]
    corpus = RecordCorpus(link)
    assert list(corpus.manifest["utterance"]) == ["03a01Ta", "09a01Ta", "09a01Wa"]
    assert corpus.speakers == ["03", "09"]  # nothing is left of 08
    assert [name for name, _, _ in corpus.utterances(["03", "09"])] == ["03a01Ta", "09a01Ta", "09a01Wa"]
    assert set(recipe["speakers"]) == {"03", "09"}


def test_what_was_left_out_once_is_refused_again_without_skip_bad(source: Path, data: Path, bad: dict[str, str]) -> None:
    link = run(source, data, skip_bad=True)
    before = contents(link)
    with pytest.raises(CorpusError, match=r"3 unusable recording\(s\)"):
        run(source, data)
    assert contents(link) == before
    assert len(RecordCorpus(run(source, data, skip_bad=True)).manifest) == 3


def test_a_repaired_recording_is_taken_in(source: Path, data: Path, tmp_path: Path, bad: dict[str, str], write_corpus: Write) -> None:
    run(source, data, skip_bad=True)
    write_corpus(source, "WT", ("03", "08"))
    assert contents(run(source, data)) == contents(run(source, tmp_path / "fresh"))


def test_a_corpus_of_unusable_recordings_is_refused_also_with_skip_bad(source: Path, data: Path) -> None:
    for path in (source / "wav").iterdir():
        path.write_bytes(b"")
    with pytest.raises(CorpusError, match="mine: no usable recording is left"):
        run(source, data, skip_bad=True)
    assert not (data / "mine").exists()


def test_what_the_loader_says_stands_in_the_recipe_and_changes_no_shard(source: Path, data: Path) -> None:
    link = run(source, data)
    before = identities(link)
    left_out = [{"utterance": "03a09Xa", "reason": "labelled, but there is no recording"}]
    assert run(source, data, about={"selection": "all dialogs"}, left_out=left_out) == link
    recipe = json.loads((link / "recipe.json").read_text())
    assert (recipe["about"], recipe["left_out"]) == ({"selection": "all dialogs"}, left_out)
    assert {name: inode for name, (inode, _) in identities(link).items()} == {name: inode for name, (inode, _) in before.items()}


@pytest.mark.parametrize("jobs", [1, 2])
def test_waveforms_standardised_by_the_speaker_keep_their_levels_beside_each_other(tmp_path: Path, small_corpus: Path, jobs: int) -> None:
    found = RecordCorpus(run(small_corpus, tmp_path / str(jobs), config=RECIPES["paper-by-speaker"], jobs=jobs))
    waveforms = {path.stem: audio.load(path, 16_000).astype(np.float64) for path in sorted((small_corpus / "wav").glob("03*.wav"))}
    every = np.concatenate(list(waveforms.values()))
    for name, _, features in found.utterances(["03"]):
        scaled = (waveforms[name] - every.mean()) / every.std()
        np.testing.assert_allclose(features, log_mels_3d(scaled, FeatureConfig(standardise_waveform=False)), atol=1e-4)
    (name, _, features) = next(found.utterances(["03"]))
    assert np.abs(features - log_mels_3d(waveforms[name])).max() > 0.05  # not those of its own level


def test_one_waveform_does_not_tell_the_speakers_level() -> None:
    with pytest.raises(ValueError, match="standardise_waveform is 'speaker', expected True or False for a single waveform"):
        log_mels_3d(np.ones(800), RECIPES["paper-by-speaker"])  # type: ignore[arg-type]
