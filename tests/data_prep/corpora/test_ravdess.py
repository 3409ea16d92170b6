"""Tests of data_prep.corpora.ravdess, one for each way to misread the release; then the whole road on a generated release."""

from __future__ import annotations

import csv
import json
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep import loader, prepare
from data_prep.corpora import ravdess
from data_prep.loader import Reading
from experiments import catalogue
from experiments.grid import run_one
from ser_acrnn import audio
from ser_acrnn.config import EMODB_EMOTIONS
from ser_acrnn.config.features import FEATURE_RECIPES
from ser_acrnn.data import tfrecords
from ser_acrnn.data.corpus import CorpusError, Utterance
from ser_acrnn.evaluation.protocol import Fold, leave_one_speaker_out
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.features.log_mels import log_mels_3d

RATE_HERTZ = 48_000
SECONDS = 0.9
# Who is heard in the generated release: three groups of four, two utterances each.
HEARD = ravdess.ACTORS[:12]
TAKES = ("03-01-05-02-01-01", "03-01-04-01-02-02")  # angry, strong; sad
STEREO = ("03-01-05-02-01-01-01", "03-01-04-01-02-02-06", "03-01-05-02-01-01-12")
SONG, SILENT_FILM, FILM = "03-02-05-01-01-01-01", "02-01-05-01-01-01-02", "01-01-05-01-01-01-03"


def put(root: Path, name: str, folder: str = "") -> Path:
    """Writes an empty file into its actor's folder, or into another one."""
    path = root / (folder or f"Actor_{name.partition('.')[0][-2:]}") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def read(source: Path) -> Reading:
    return ravdess.read(source)


def refusal(source: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        read(source)
    return str(caught.value)


def whole_release(root: Path) -> list[Path]:
    """All 1440 names of the audio-only speech, without sound."""
    return [
        put(root, f"03-01-{emotion:02}-{intensity:02}-{statement:02}-{repetition:02}-{actor}.wav")
        for actor in ravdess.ACTORS
        for emotion in range(1, 9)
        for intensity in ((1,) if emotion == 1 else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]


def wave(name: str) -> np.ndarray:
    """A glide and its harmonics below 8 kHz, whose pitch tells the speaker and whose spectrum the emotion; float64 `(samples,)`."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    time = np.arange(round(SECONDS * RATE_HERTZ)) / RATE_HERTZ
    phase = 2 * np.pi * (100 + 5 * int(name[-2:])) * (time + 0.02 * np.sin(2 * np.pi * rng.uniform(1, 3) * time))
    tilt = 0.5 if name[6:8] == "05" else 2.0
    return 0.1 * np.sum([np.sin(k * phase) / k**tilt for k in range(1, 20)], axis=0) + 0.002 * rng.standard_normal(len(time))


def record(root: Path, name: str) -> Path:
    """Writes a recording; one of `STEREO` has in each channel a disturbance that the mean of both has not."""
    samples = wave(name)
    if name in STEREO:
        disturbance = 0.2 * np.sin(2 * np.pi * 3_000 * np.arange(len(samples)) / RATE_HERTZ)
        samples = np.stack([samples + disturbance, samples - disturbance], axis=1)
    path = put(root, f"{name}.wav")
    soundfile.write(path, samples, RATE_HERTZ, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with what lies in and beside the published one, in the archive's folder."""
    root = tmp_path_factory.mktemp("source")
    actors = root / "audio_speech_actors_01-24"
    for actor in HEARD:
        for take in TAKES:
            record(actors, f"{take}-{actor}")
    record(actors, SONG)
    record(actors, SILENT_FILM)
    put(actors, f"{FILM}.mp4")
    put(actors, f"._{TAKES[0]}-01.wav", "Actor_01").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
    (actors / "Actor_24").mkdir()
    return root


@pytest.fixture(scope="module")
def prepared(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated release as the command prepares it."""
    data = tmp_path_factory.mktemp("data")
    assert prepare.main(["ravdess", "--source", str(release), "--data", str(data), "--jobs", "1"]) == 0
    return data / "ravdess"


def test_the_emotions_are_named_and_ordered_as_elsewhere() -> None:
    assert (*EMODB_EMOTIONS[:6], "calm", "surprise") == ravdess.EMOTIONS


@pytest.mark.parametrize(
    ("number", "emotion"),
    list(enumerate(("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise"), start=1)),
)
def test_the_number_of_an_emotion(number: int, emotion: str) -> None:
    assert ravdess.parse_name(f"03-01-{number:02}-01-01-01-07").emotion == emotion


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("03-01-06-01-02-01-12", ("audio-only", "speech", "fear", "normal", "Dogs are sitting by the door", "first", "12")),
        ("02-02-03-02-01-02-01", ("video-only", "song", "happy", "strong", "Kids are talking by the door", "second", "01")),
        ("01-01-01-01-01-01-24", ("full audio-video", "speech", "neutral", "normal", "Kids are talking by the door", "first", "24")),
    ],
)
def test_parses_names(stem: str, expected: tuple[str, ...]) -> None:
    assert ravdess.parse_name(stem) == expected


@pytest.mark.parametrize(
    ("stem", "message"),
    [
        ("04-01-06-01-02-01-12", "'04-01-06-01-02-01-12': modality '04', expected 01 to 03"),
        ("03-00-06-01-02-01-12", "vocal channel '00', expected 01 to 02"),
        ("03-01-09-01-02-01-12", "emotion '09', expected 01 to 08"),
        ("03-01-06-03-02-01-12", "intensity '03', expected 01 to 02"),
        ("03-01-06-01-03-01-12", "statement '03', expected 01 to 02"),
        ("03-01-06-01-02-03-12", "repetition '03', expected 01 to 02"),
        ("03-01-06-01-02-01-25", "actor '25', expected 01 to 24"),
        ("03-01-06-01-02-01-00", "actor '00', expected 01 to 24"),
        ("03-01-6-01-02-01-12", "emotion '6', expected 01 to 08"),
        ("03-01-06-01-02-01-12\n", "actor '12\\n', expected 01 to 24"),
        ("03-01-0\u0666-01-02-01-12", "emotion '0\u0666', expected 01 to 08"),
        ("03-01-01-02-01-01-12", "intensity '02' of neutral, expected 01"),
        ("03-01-09-01-02-01-99", "emotion '09', expected 01 to 08, actor '99', expected 01 to 24"),
        ("03-01-06-01-02-01", "'03-01-06-01-02-01' has 6 part(s), expected 7: <modality>-<vocal channel>-<emotion>-<intensity>-"),
        ("03-01-06-01-02-01-12-01", "has 8 part(s), expected 7"),
        ("", "'' has 1 part(s), expected 7"),
    ],
)
def test_refuses_other_names_and_says_what_was_expected(stem: str, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        ravdess.parse_name(stem)
    assert message in str(caught.value)


def test_the_published_release_is_read_whole(tmp_path: Path) -> None:
    paths = whole_release(tmp_path)
    reading = read(tmp_path)
    assert len(reading.utterances) == 1440 and {one.path for one in reading.utterances} == set(paths)
    assert Counter(one.speaker for one in reading.utterances) == dict.fromkeys([f"{number:02}" for number in range(1, 25)], 60)
    emotions = Counter(one.emotion for one in reading.utterances)
    assert emotions.pop("neutral") == 24 * 4 and set(emotions.values()) == {24 * 8} and len(emotions) == 7
    assert (reading.name, reading.left_out, reading.differences) == ("ravdess", [], [])
    assert reading.about == {"utterances": 1440, "left_out": {}}


def test_an_utterance_is_named_after_its_file_and_spoken_by_its_actor(tmp_path: Path) -> None:
    paths = [put(tmp_path, name) for name in ("03-01-02-02-01-01-02.WAV", "03-01-08-01-01-02-10.wav")]
    assert read(tmp_path).utterances == [
        Utterance("03-01-02-02-01-01-02", paths[0], "02", "calm"),
        Utterance("03-01-08-01-01-02-10", paths[1], "10", "surprise"),
    ]


def test_differences_from_the_published_counts_are_named(tmp_path: Path) -> None:
    paths = whole_release(tmp_path)
    paths[0].unlink()
    paths[-1].unlink()
    assert read(tmp_path).differences == [
        "speaker 01, neutral: found 3, published 4",
        "speaker 24, surprise: found 7, published 8",
    ]


def test_song_and_video_are_left_out_counted_and_listed(tmp_path: Path) -> None:
    put(tmp_path, "03-01-05-01-01-01-01.wav")
    put(tmp_path, "03-02-05-01-01-01-01.wav")
    put(tmp_path, "03-02-04-01-01-01-02.wav", "Actor_03")  # misplaced, but of no concern
    put(tmp_path, "01-01-05-01-01-01-01.wav")
    put(tmp_path, "02-01-05-01-01-01-01.wav")
    put(tmp_path, "01-01-05-01-01-01-01.mp4")
    put(tmp_path, "making of.MP4", "Actor_01")
    reading = read(tmp_path)
    assert [one.id for one in reading.utterances] == ["03-01-05-01-01-01-01"]
    assert sorted((one["utterance"], one["reason"]) for one in reading.left_out) == [
        ("01-01-05-01-01-01-01", "film"),
        ("01-01-05-01-01-01-01", "full audio-video speech"),
        ("02-01-05-01-01-01-01", "video-only speech"),
        ("03-02-04-01-01-01-02", "audio-only song"),
        ("03-02-05-01-01-01-01", "audio-only song"),
        ("making of", "film"),
    ]
    counts = {"audio-only song": 2, "film": 2, "full audio-video speech": 1, "video-only speech": 1}
    assert reading.about == {"utterances": 1, "left_out": counts}


def test_hidden_and_other_files_are_not_read(tmp_path: Path) -> None:
    put(tmp_path, "03-01-05-01-01-01-01.wav")
    expected = read(tmp_path)
    put(tmp_path, "._03-01-05-01-01-01-01.wav", "Actor_01")
    put(tmp_path, ".03-01-06-01-01-01-01.wav", "Actor_01")
    put(tmp_path, "._01-01-05-01-01-01-01.mp4", "Actor_01")
    put(tmp_path, "03-01-06-01-01-01-01.wav", "._Actor_01")
    put(tmp_path, "03-01-06-01-01-01-01.txt")
    put(tmp_path, "notes.wav", "mine")
    put(tmp_path, "Actor_02", ".")
    assert read(tmp_path) == expected


def test_all_misnamed_and_misplaced_recordings_are_listed_at_once(tmp_path: Path) -> None:
    good = put(tmp_path, "03-01-05-01-01-01-01.wav")
    emotion = put(tmp_path, "03-01-09-01-01-01-01.wav")
    actor = put(tmp_path, "03-01-05-01-01-01-25.wav")
    take = put(tmp_path, "take 2.wav", "Actor_01")
    place = put(tmp_path, "03-01-05-01-01-01-03.wav", "Actor_02")
    short = put(tmp_path, "03-01-05-01-01-01-04.wav", "Actor_4")
    message = refusal(tmp_path)
    assert "5 misnamed or misplaced" in message and str(good) not in message
    for part in (
        f"{emotion}: '03-01-09-01-01-01-01': emotion '09', expected 01 to 08",
        f"{actor}: '03-01-05-01-01-01-25': actor '25', expected 01 to 24",
        f"{take}: 'take 2' has 1 part(s), expected 7: <modality>-",
        f"{place}: is of actor '03' but in Actor_02, expected the folder Actor_03",
        f"{short}: is of actor '04' but in Actor_4, expected the folder Actor_04",
    ):
        assert any(line.startswith(part) for line in message.splitlines()), part


def test_the_same_recording_under_two_names_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "03-01-05-01-01-01-01.wav")
    put(tmp_path, "03-01-05-01-01-01-01.WAV")
    if len(list((tmp_path / "Actor_01").iterdir())) == 1:
        pytest.skip("this file system does not tell upper case from lower")
    assert "'03-01-05-01-01-01-01' occurs twice" in refusal(tmp_path)


@pytest.mark.parametrize("folder", ["Audio_Speech_Actors_01-24", "audio_speech_actors_01-24"])
def test_the_release_is_found_from_its_folder_and_from_the_one_above(tmp_path: Path, folder: str) -> None:
    put(tmp_path / folder, "03-01-05-01-01-01-01.wav")
    put(tmp_path / "Audio_Song_Actors_01-24", "03-02-05-01-01-01-01.wav")
    assert read(tmp_path) == read(tmp_path / folder)
    assert read(tmp_path).left_out == []


def test_a_copy_beside_the_actors_is_not_read(tmp_path: Path) -> None:
    original = put(tmp_path, "03-01-05-01-01-01-01.wav")
    put(tmp_path / "audio_speech_actors_01-24", "03-01-05-01-01-01-01.wav")
    assert [one.path for one in read(tmp_path).utterances] == [original]


def test_no_speech_says_what_is_there_and_where_to_get_it(tmp_path: Path) -> None:
    put(tmp_path / "song", "03-02-05-01-01-01-01.wav")
    put(tmp_path / "flat", "03-01-05-01-01-01-01.wav", ".")
    for directory, there in (
        (tmp_path / "none", "nothing"),
        (tmp_path, "nothing"),
        (tmp_path / "flat", "nothing"),
        (tmp_path / "song", "{'audio-only song': 1}"),
    ):
        message = refusal(directory)
        assert f"no audio-only speech in {directory} (left out: {there}), expected Actor_<NN>/*.wav" in message
        assert "Audio_Speech_Actors_01-24.zip from https://zenodo.org/records/1188976" in message


def test_six_groups_of_two_men_and_two_women() -> None:
    groups = ravdess.CORPUS.groups
    assert groups is not None and list(groups) == [f"{number:02}" for number in range(1, 25)]
    members = {group: [int(actor) for actor in groups if groups[actor] == group] for group in groups.values()}
    assert list(members) == ["01-04", "05-08", "09-12", "13-16", "17-20", "21-24"]
    for group, actors in members.items():
        assert [f"{actor:02}" for actor in (actors[0], actors[-1])] == group.split("-")
        assert len(actors) == 4 and sum(actor % 2 for actor in actors) == 2


def test_the_next_group_validates() -> None:
    corpus = ravdess.CORPUS
    assert corpus.groups is not None
    folds = leave_one_speaker_out(corpus.groups.values(), corpus.partner)
    assert folds[0] == Fold(("09-12", "13-16", "17-20", "21-24"), "05-08", "01-04")
    assert [(fold.test, fold.validation) for fold in folds[-2:]] == [("17-20", "21-24"), ("21-24", "01-04")]


def test_the_experiments_find_it_by_its_name() -> None:
    assert "ravdess" in loader.names()
    assert catalogue.corpus("ravdess") is ravdess.CORPUS
    assert (ravdess.CORPUS.name, ravdess.CORPUS.title, ravdess.CORPUS.emotions) == ("ravdess", "RAVDESS", ravdess.EMOTIONS)
    assert (ravdess.CORPUS.protocol, ravdess.CORPUS.caveat) == ("leave-one-group-out", "")


def test_the_command_prepares_the_speech_and_tells_what_it_left_out(prepared: Path) -> None:
    rows = list(csv.DictReader((prepared / "manifest.csv").read_text().splitlines()))
    expected = sorted((actor, f"{take}-{actor}") for actor in HEARD for take in TAKES)
    assert [(row["speaker"], row["utterance"]) for row in rows] == expected
    assert {row["emotion"] for row in rows if row["utterance"].startswith(TAKES[0])} == {"angry"}
    recipe = json.loads((prepared / "recipe.json").read_text())
    assert {one["utterance"]: one["reason"] for one in recipe["left_out"]} == {
        SONG: "audio-only song",
        SILENT_FILM: "video-only speech",
        FILM: "film",
    }
    assert recipe["about"] == {"utterances": 24, "left_out": {"audio-only song": 1, "film": 1, "video-only speech": 1}}


def test_the_command_warns_of_missing_recordings(release: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    only = tmp_path / "Actor_01"
    only.mkdir()
    (only / f"{STEREO[0]}.wav").write_bytes(next(release.rglob(f"Actor_01/{STEREO[0]}.wav")).read_bytes())
    assert prepare.main(["ravdess", "--source", str(tmp_path), "--data", str(tmp_path / "data"), "--jobs", "1"]) == 0
    assert "speaker 01, angry: found 1, published 8" in caplog.text


def test_stereo_at_48_khz_becomes_mono_at_16_khz(prepared: Path, release: Path) -> None:
    config = FEATURE_RECIPES["paper"]
    for name in (STEREO[0], "03-01-05-02-01-01-03"):
        [path] = release.rglob(f"Actor_*/{name}.wav")
        info = soundfile.info(path)
        assert (info.samplerate, info.channels) == (RATE_HERTZ, 2 if name in STEREO else 1)
        shard = tfrecords.Shard(prepared / f"speaker-{name[-2:]}.tfrecord", config)
        features = next(item["features"] for item in shard if item["utterance"] == name)
        expected = log_mels_3d(audio.to_mono(wave(name), RATE_HERTZ), config)
        assert features.shape == expected.shape and len(features) == pytest.approx(SECONDS * 100, abs=2)
        np.testing.assert_allclose(features[..., 0], expected[..., 0], atol=0.3)
    rows = csv.DictReader((prepared / "manifest.csv").read_text().splitlines())
    assert [float(row["seconds"]) for row in rows] == pytest.approx([SECONDS] * 24, abs=1e-3)


def test_a_run_is_judged_on_four_actors_who_do_not_train(prepared: Path, tmp_path: Path) -> None:
    folders = ["--prepared", str(prepared), "--results", str(tmp_path / "results"), "--work", str(tmp_path / "work")]
    assert run_one.main([*folders, "--system", "tiny", "--epochs", "1", "--fold", "0", "--seed", "0"]) == 0
    [path] = (tmp_path / "results").rglob("*.json")
    assert path == tmp_path / "results" / "ravdess.leave-one-group-out" / "tiny" / "01-04-seed0.json"
    result = RunResult.load(path)
    assert (result.corpus, result.protocol, tuple(result.emotions)) == ("ravdess", "leave-one-group-out", ravdess.EMOTIONS)
    assert result.fold == {"train": ["09-12"], "validation": "05-08", "test": "01-04"}
    assert {one["id"][-2:] for one in result.utterances} == {"01", "02", "03", "04"} and len(result.utterances) == 8
    assert all(len(one["posteriors"]) == 8 for one in result.utterances)
