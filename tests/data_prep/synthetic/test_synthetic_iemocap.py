"""Tests of data_prep.synthetic.iemocap: that the look-alike has the release's counts and traps, and sounds as it is labelled."""

from __future__ import annotations

import itertools
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data_prep.corpora import iemocap
from data_prep.corpora.iemocap import labels
from data_prep.synthetic import iemocap as synthetic_iemocap
from data_prep.synthetic.iemocap_turns import Turn, dialog_names, plan
from data_prep.synthetic.style import STYLES

# What the corpus's description says, once more and independently of the tables under test.
DIALOGS_A_SESSION = {"1": 28, "2": 30, "3": 32, "4": 30, "5": 31}
IRREGULAR = {"Ses03M_impro05a", "Ses03M_impro05b", "Ses03M_impro08a", "Ses03M_impro08b", "Ses05M_script01_1b"}
UNALIGNED = ("Ses03M_impro03_M001", "Ses03F_impro07_M030")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The look-alike at its full size; no turn is spoken."""
    directory = tmp_path_factory.mktemp("full")
    synthetic_iemocap.write_iemocap_like(directory, scale=1, wav_for="none")
    yield directory
    shutil.rmtree(directory)  # twenty thousand files, which pytest would keep for three runs


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest look-alike, with the paper's selection spoken."""
    directory = tmp_path_factory.mktemp("small")
    synthetic_iemocap.write_iemocap_like(directory, scale=0.001)
    return directory


def contents(directory: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None for path in sorted(directory.rglob("*"))}


def test_the_full_size_has_the_published_counts(full: Path) -> None:
    read = iemocap.read_release(full)
    assert iemocap.published_differences(read.checked()) == []
    assert len(read.utterances) == 2280
    assert (read.dialogs, read.turns) == (151, 10_039)
    assert read.codes == dict(sorted(iemocap.PUBLISHED_TURNS.items()))
    assert (read.unknown_codes, read.missing, read.unlabelled) == ((), (), ())


@pytest.mark.parametrize(
    ("options", "happy", "count"),
    [
        ({"merge_excited": True}, 284 + 663, 2943),
        ({"merge_excited": True, "dialogs": "all"}, 595 + 1041, 5531),
        ({"dialogs": "all"}, 595, 4490),
    ],
)
def test_the_full_size_has_the_published_counts_of_other_selections(full: Path, options: dict[str, object], happy: int, count: int) -> None:
    utterances = iemocap.utterances(full, **options)  # type: ignore[arg-type]
    assert len(utterances) == count
    assert Counter(one.emotion for one in utterances)["happy"] == happy


def test_the_dialogs_are_the_release_s(full: Path) -> None:
    names = {path.stem for path in full.glob("*/Session*/dialog/EmoEvaluation/[!.]*.txt")}
    assert names == set(dialog_names())
    assert Counter(name[4] for name in names) == DIALOGS_A_SESSION
    assert names >= IRREGULAR and not names & {"Ses03M_impro05", "Ses03M_impro08"} and "Ses05M_script01_1" in names
    for name in names:
        labels.parse_dialog(name)


def test_both_speak_in_every_dialog_whoever_wears_the_markers() -> None:
    turns = plan(1)
    assert {(turn.dialog, turn.letter) for turn in turns} == {(name, letter) for name in dialog_names() for letter in "FM"}
    assert 0.45 < np.mean([turn.dialog[5] != turn.letter for turn in turns]) < 0.55
    assert len({turn.name for turn in turns}) == len(turns)


def test_turns_last_as_the_release_s_do() -> None:
    turns = plan(1)
    seconds = np.array([turn.seconds for turn in turns if turn.is_wanted])
    assert len(seconds) == 2280
    assert seconds.min() >= 0.73 - 1e-9 and seconds.max() <= 29.13 + 1e-9
    assert abs(seconds.mean() - 4.38) < 0.15
    assert abs((seconds > 3).sum() - 1353) < 60
    for one, following in itertools.pairwise(turns):
        assert one.dialog != following.dialog or one.start + one.seconds < following.start


def test_two_turns_lack_the_alignment_and_nothing_else(full: Path) -> None:
    utterances = {one.id: one for one in iemocap.utterances(full)}
    assert set(UNALIGNED) <= set(utterances)
    for unaligned in UNALIGNED:
        dialog = unaligned[:-5]
        folder = full / "IEMOCAP_full_release" / "Session3" / "sentences" / "ForcedAlignment" / dialog
        assert {turn for turn in utterances if turn.startswith(dialog)} - {path.stem for path in folder.iterdir()} == {unaligned}
    assert all(utterances[turn].path.is_file() for turn in UNALIGNED)


def test_has_what_trips_a_careless_loader(full: Path) -> None:
    label_line = re.compile(r"^\[.+\]\tSes\S+\t\w{3}\t\[.+\]$", re.MULTILINE)
    for session in (full / "IEMOCAP_full_release").glob("Session*"):
        folder = session / "dialog" / "EmoEvaluation"
        for name in ("Categorical", "Attribute", "Self-evaluation"):
            text = next((folder / name).glob("*_impro01_*.txt")).read_text()
            assert label_line.search(text), name
            _, turn, code, _ = text.splitlines()[0].split("\t")
            assert f"{turn}\t{code}\t" not in next(folder.glob("[!.]*_impro01.txt")).read_text()
        twins = [*folder.glob("._*.txt"), *session.glob("sentences/wav/*/._*.wav")]
        assert len(twins) == 2 * DIALOGS_A_SESSION[session.name[-1]]
        assert all(twin.read_bytes().startswith(b"\x00\x05\x16\x07") for twin in twins)
        assert (session / "dialog" / "wav" / f"Ses0{session.name[-1]}F_impro01.wav").is_file()
        assert "_MXX0 [" in next((session / "dialog" / "transcriptions").glob("*.txt")).read_text()
        assert {path.name for path in (session / "dialog").iterdir()} >= {"avi", "lab", "MOCAP_hand", "MOCAP_head", "MOCAP_rotated"}
        assert {path.name for path in (session / "sentences").iterdir()} >= {"ForcedAlignment", "MOCAP_hand", "wav"}


def test_label_files_have_a_header_and_raters_lines(full: Path) -> None:
    lines = (full / "IEMOCAP_full_release/Session1/dialog/EmoEvaluation/Ses01F_impro01.txt").read_text().splitlines()
    assert lines[:2] == ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
    block = lines[2 : lines.index("", 2)]
    assert re.fullmatch(r"\[\d+\.\d{4} - \d+\.\d{4}\]\tSes01F_impro01_[FM]000\t[a-z]{3}\t\[\d\.\d{4}, \d\.\d{4}, \d\.\d{4}\]", block[0])
    assert re.fullmatch(r"C-E2:\t[A-Z][a-z ]+;\t\(\)", block[1])
    assert re.fullmatch(r"A-E3:\tval [1-5]; act [1-5]; dom  [1-5];\t\(\)", block[4])


@pytest.mark.parametrize("scale", [0.001, 0.02, 0.3])
def test_smaller_sizes_are_in_proportion_and_lack_nothing(scale: float) -> None:
    turns = plan(scale)
    wanted = Counter((turn.session + turn.letter, iemocap.EMOTION_OF_CODE[turn.code]) for turn in turns if turn.is_wanted)
    assert wanted == {
        (speaker, emotion): max(1, round(count * scale))
        for speaker, counts in iemocap.PUBLISHED_COUNTS.items()
        for emotion, count in zip(iemocap.EMOTIONS, counts, strict=True)
    }
    codes = Counter(turn.code for turn in turns)
    assert set(codes) == set(iemocap.PUBLISHED_TURNS)
    assert abs(codes["xxx"] - 2507 * scale) <= 2
    assert set(UNALIGNED) <= {turn.name for turn in turns}


def test_recordings_are_as_long_as_their_labels_say(small: Path) -> None:
    turns = {turn.name: turn for turn in plan(0.001)}
    utterances = iemocap.utterances(small)
    assert len(utterances) == 40
    for utterance in utterances:
        info = soundfile.info(utterance.path)
        assert (info.samplerate, info.channels, info.subtype, info.format) == (16_000, 1, "PCM_16", "WAV")
        assert info.frames == round(turns[utterance.id].seconds * 16_000)


def test_turns_that_are_not_wanted_are_a_short_tone(small: Path) -> None:
    wanted = {one.id for one in iemocap.utterances(small)}
    others = [path for path in small.glob("*/Session*/sentences/wav/*/[!.]*.wav") if path.stem not in wanted]
    assert len(others) == len(plan(0.001)) - 40 > 0
    assert {soundfile.info(path).duration for path in others} == {0.1}


def test_the_same_arguments_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    (tmp_path / "IEMOCAP_full_release").mkdir()  # empty: may be written to
    paths = synthetic_iemocap.write_iemocap_like(tmp_path, scale=0.001, workers=2)
    assert contents(tmp_path) == contents(small)
    assert paths == sorted(tmp_path.glob("*/Session*/sentences/wav/*/[!.]*.wav"))


def test_the_seed_matters() -> None:
    assert plan(0.001, seed=1) != plan(0.001)
    turn = Turn("Ses01F_impro01", "M", 0, "neu", 0.0, 1.0)
    assert not np.array_equal(synthetic_iemocap.speak(turn, 1), synthetic_iemocap.speak(turn))


@pytest.mark.parametrize("seconds", [0.73, 1.005, 4.38, 29.13])
@pytest.mark.parametrize("code", ["ang", "sad"])
def test_a_turn_of_any_length_is_spoken(seconds: float, code: str) -> None:
    waveform = synthetic_iemocap.speak(Turn("Ses01F_impro01", "M", 0, code, 0.0, seconds))
    assert waveform.shape == (round(seconds * 16_000),)
    loud = np.abs(waveform.reshape(-1, 80)).max(axis=1) > 0.05 * np.abs(waveform).max()
    assert loud[: len(loud) // 4].any() and loud[-len(loud) // 4 :].any()  # from beginning to end
    assert np.mean(loud) > 0.25


def test_each_code_has_its_style_and_each_speaker_a_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = []
    monkeypatch.setattr(synthetic_iemocap, "synthesise", lambda *arguments, **named: spoken.append(arguments[:3]))
    for code in iemocap.PUBLISHED_TURNS:
        for speaker in iemocap.PUBLISHED_COUNTS:
            synthetic_iemocap.speak(Turn(f"Ses0{speaker[0]}F_impro01", speaker[1], 0, code, 0.0, 4.0))
    style_of = {"ang": "angry", "sad": "sad", "hap": "happy", "neu": "neutral", "exc": "happy", "fru": "disgust"}
    styles = dict(zip(iemocap.PUBLISHED_TURNS, [style for _, style, _ in spoken[::10]], strict=True))
    assert {code: styles[code] for code in style_of} == {code: STYLES[name] for code, name in style_of.items()}
    voices = dict(zip(iemocap.PUBLISHED_COUNTS, [voice for voice, _, _ in spoken], strict=False))
    assert len(set(voices.values())) == 10
    assert all((voice.f0_hertz > 160) == (speaker[1] == "F") for speaker, voice in voices.items())
    # In the same time, slow speech has fewer words.
    words = {code: np.mean([len(text) for _, _, text in spoken[10 * i : 10 * i + 10]]) for i, code in enumerate(iemocap.PUBLISHED_TURNS)}
    assert words["sad"] < 0.8 * words["ang"]


@pytest.mark.parametrize("wav_for", ["none", "wanted", "all"])
def test_wav_for_says_what_is_spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wav_for: str) -> None:
    spoken: list[Turn] = []

    def speak(turn: Turn, seed: int) -> np.ndarray:
        spoken.append(turn)
        return np.zeros(1600, np.float32)

    monkeypatch.setattr(synthetic_iemocap, "speak", speak)
    paths = synthetic_iemocap.write_iemocap_like(tmp_path, scale=0.001, wav_for=wav_for)
    expected = {"none": 0, "wanted": 40, "all": len(paths)}
    assert len(spoken) == expected[wav_for]
    assert all(path.is_file() for path in paths)


def test_a_release_is_not_written_over(tmp_path: Path) -> None:
    recording = tmp_path / "IEMOCAP_full_release" / "Session1" / "recording.wav"
    recording.parent.mkdir(parents=True)
    recording.write_bytes(b"a recording")
    (tmp_path / "SYNTHETIC.txt").write_text("of another corpus")
    with pytest.raises(FileExistsError, match=r"IEMOCAP_full_release holds files but .*SYNTHETIC\.txt does not exist"):
        synthetic_iemocap.write_iemocap_like(tmp_path, 0.001, wav_for="none")
    assert recording.read_bytes() == b"a recording"


def test_a_look_alike_is_replaced(tmp_path: Path) -> None:
    synthetic_iemocap.write_iemocap_like(tmp_path / "replaced", 0.01, wav_for="none")
    for name in ("replaced", "fresh"):
        synthetic_iemocap.write_iemocap_like(tmp_path / name, 0.001, seed=1, wav_for="none")
    assert contents(tmp_path / "replaced") == contents(tmp_path / "fresh")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0}, "scale is 0, expected a number above 0 and up to 1"),
        ({"scale": 1.5}, "scale is 1.5, expected"),
        ({"wav_for": "some"}, "wav_for is 'some', expected one of wanted, all, none"),
    ],
)
def test_arguments_that_cannot_be_are_an_error(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        synthetic_iemocap.write_iemocap_like(tmp_path, **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_the_command_writes_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert synthetic_iemocap.main([str(tmp_path), "--scale", "0.001", "--wav-for", "none"]) == 0
    assert capsys.readouterr().out == f"{len(plan(0.001))} synthetic turns of 10 speakers in {tmp_path / 'IEMOCAP_full_release'}\n"
    with pytest.raises(SystemExit) as ended:
        synthetic_iemocap.main([str(tmp_path), "--scale", "2"])
    assert ended.value.code == 2 and "--scale" in capsys.readouterr().err
