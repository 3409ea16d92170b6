"""The embedded corpus: the same bytes everywhere, Emo-DB's names and counts, and classes that are neither trivial nor hopeless."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from layer_check import run_python
from python_speech_features import logfbank
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from data_prep.corpora import emodb
from data_prep.synthetic import emodb as synthetic

UTTERANCES_PER_SPEAKER = 12


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return synthetic.write_emodb_like(tmp_path_factory.mktemp("synthetic"), UTTERANCES_PER_SPEAKER)


@pytest.fixture(scope="module")
def waveforms(corpus: list[Path]) -> dict[str, np.ndarray]:
    return {path.stem: soundfile.read(path)[0] for path in corpus}


def median_pitch_hertz(waveform: np.ndarray) -> float:
    """The median over voiced frames of 40 ms of the autocorrelation's peak, 60-600 Hz."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, 640)[::320]
    frames = frames - frames.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(frames, 2048)) ** 2
    power[:, 256:] = 0  # below 2 kHz, so that neither hiss nor consonants count
    correlation = np.fft.irfft(power)[:, : 16000 // 60]
    correlation /= correlation[:, :1] + 1e-12
    correlation[:, : 16000 // 600] = 0
    voiced = (correlation.max(axis=1) > 0.5) & (frames.std(axis=1) > 0.2 * waveform.std())
    return float(np.median(16000 / correlation[voiced].argmax(axis=1)))


def recall_leaving_a_speaker_out(features: np.ndarray, emotions: np.ndarray, speakers: np.ndarray) -> float:
    """The mean over speakers of a linear model's unweighted average recall."""
    recalls = []
    for speaker in np.unique(speakers):
        train, test = speakers != speaker, speakers == speaker
        scaler = StandardScaler().fit(features[train])
        model = LogisticRegression(max_iter=3000).fit(scaler.transform(features[train]), emotions[train])
        predicted = model.predict(scaler.transform(features[test]))
        recalls.append(np.mean([np.mean(predicted[emotions[test] == label] == label) for label in np.unique(emotions[test])]))
    return float(np.mean(recalls))


def test_another_process_writes_the_same_bytes(corpus: list[Path], tmp_path: Path) -> None:
    """A smaller corpus is a part of a larger one, so that the files of both can be compared."""
    code = "import sys; from data_prep.synthetic.emodb import write_emodb_like; write_emodb_like(sys.argv[1], 2, speakers=['03', '08'])"
    run_python(code, tmp_path, PYTHONHASHSEED="1")
    written, expected = sorted((tmp_path / "wav").iterdir()), {path.name: path for path in corpus}
    assert [path.name[:2] for path in written] == ["03"] * 7 + ["08"] * 6
    for path in written:
        assert path.read_bytes() == expected[path.name].read_bytes(), path.name


def test_the_command_says_what_it_has_written(
    corpus: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(synthetic, "write_emodb_like", lambda *words, **named: asked.append((words, named)) or corpus[:69])
    assert synthetic.main([str(tmp_path), "--utterances-per-speaker", "1", "--seed", "3"]) == 0
    assert asked == [((tmp_path, 1, 3), {"workers": 1})]
    output = capsys.readouterr().out
    assert output.count("\n") == 1 and output.startswith("69 synthetic utterances of 10 speakers")


def test_workers_write_the_same_bytes(corpus: list[Path], tmp_path: Path) -> None:
    expected = {path.name: path for path in corpus}
    written = synthetic.write_emodb_like(tmp_path, 2, speakers=["08", "03"], workers=2)
    assert [path.name[:2] for path in written] == ["03"] * 7 + ["08"] * 6
    assert all(path.read_bytes() == expected[path.name].read_bytes() for path in written)


def test_seed_speaker_emotion_text_and_version_each_change_the_sound() -> None:
    base = {"speaker": "03", "letter": "W", "text": "a01", "version": "a", "seed": 0}
    waveform = synthetic.generate_utterance(**base)
    assert np.array_equal(waveform, synthetic.generate_utterance(**base))
    for name, value in {"speaker": "08", "letter": "T", "text": "a02", "version": "b", "seed": 1}.items():
        assert not np.array_equal(waveform, synthetic.generate_utterance(**{**base, name: value})), name


def test_a_seed_chooses_the_sentences_too() -> None:
    assert synthetic.plan(seed=0) != synthetic.plan(seed=1)
    assert synthetic.plan(seed=1) == synthetic.plan(seed=1)


def test_the_reader_of_emodb_reads_it(corpus: list[Path]) -> None:
    utterances = emodb.utterances(corpus[0].parent.parent)
    assert [utterance.path for utterance in utterances] == corpus
    assert {utterance.speaker for utterance in utterances} == {"03", "08", "09", "10", "11", "12", "13", "14", "15", "16"}
    assert {utterance.emotion for utterance in utterances} == {"angry", "sad", "happy", "neutral", "fear", "disgust", "bored"}


def test_names_are_emodbs(corpus: list[Path]) -> None:
    assert all(re.fullmatch(r"(03|08|09|1[0-6])(a0[12457]|b0[1239]|b10)[WLEAFTN][a-z]\.wav", path.name) for path in corpus)
    assert {path.stem[2:5] for path in corpus} == {"a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10"}
    assert {path.parent.name for path in corpus} == {"wav"}


def test_counts_are_uneven_and_speaker_08_has_no_disgust(corpus: list[Path]) -> None:
    counts = Counter((path.stem[:2], path.stem[5]) for path in corpus)
    assert ("08", "E") not in counts
    assert len(counts) == 69
    emotions = Counter(path.stem[5] for path in corpus)
    assert emotions["W"] > 2 * emotions["E"]
    assert len(corpus) == pytest.approx(10 * UTTERANCES_PER_SPEAKER, rel=0.1)


def test_emodbs_size_gives_emodbs_counts() -> None:
    takes = synthetic.plan(54)
    counts = Counter((take.speaker, emodb.EMOTION_OF_LETTER[take.letter]) for take in takes)
    for speaker, published in emodb.PUBLISHED_COUNTS.items():
        assert tuple(counts[speaker, emotion] for emotion in emodb.EMOTIONS) == published
    assert len({take.name for take in takes}) == 535


def test_files_are_16_khz_mono_pcm16_of_emodbs_lengths(corpus: list[Path]) -> None:
    infos = [soundfile.info(path) for path in corpus]
    assert {(info.format, info.subtype, info.samplerate, info.channels) for info in infos} == {("WAV", "PCM_16", 16000, 1)}
    seconds = [info.duration for info in infos]
    assert 1.2 <= min(seconds) < 2
    assert 5 < max(seconds) <= 9


def test_no_file_is_clipped_or_silent(waveforms: dict[str, np.ndarray]) -> None:
    peaks = np.array([np.abs(waveform).max() for waveform in waveforms.values()])
    assert peaks.max() < 0.85
    assert peaks.min() > 0.1
    assert peaks.max() > 3 * peaks.min()  # the gain differs from recording to recording
    assert all(np.ptp(np.abs(waveform)[:800]) > 0 for waveform in waveforms.values())  # a room's noise, no digital silence


def test_a_file_holds_the_generated_samples(waveforms: dict[str, np.ndarray]) -> None:
    name = max(waveforms, key=lambda name: np.abs(waveforms[name]).max())  # where a scale of 32767 shows
    waveform = synthetic.generate_utterance(name[:2], name[5], name[2:5], name[6])
    assert waveform.dtype == np.float32
    assert np.array_equal(waveform, waveforms[name])


def test_every_speaker_is_higher_in_anger_than_in_sadness(waveforms: dict[str, np.ndarray]) -> None:
    for speaker in synthetic.VOICES:
        angry, sad = (
            np.median([median_pitch_hertz(waveform) for name, waveform in waveforms.items() if name[:2] == speaker and name[5] == letter])
            for letter in "WT"
        )
        assert angry > 1.1 * sad, speaker


def test_women_are_higher_than_men(waveforms: dict[str, np.ndarray]) -> None:
    pitch = {
        speaker: np.median([median_pitch_hertz(waveform) for name, waveform in waveforms.items() if name.startswith(speaker)])
        for speaker in synthetic.VOICES
    }
    men = {"03", "10", "11", "12", "15"}
    assert max(pitch[speaker] for speaker in men) < min(pitch[speaker] for speaker in set(pitch) - men)


def test_emotions_show_in_movement_more_than_in_the_mean_spectrum(waveforms: dict[str, np.ndarray]) -> None:
    """What the demo needs: a linear model on mean log-Mels is above chance, and below one that sees how log-Mels move."""
    emotions = np.array([name[5] for name in waveforms])
    speakers = np.array([name[:2] for name in waveforms])
    log_mels = [logfbank(waveform / waveform.std(), 16000, nfilt=40) for waveform in waveforms.values()]
    means = np.array([frames.mean(axis=0) for frames in log_mels])
    moves = np.array([np.concatenate([frames.std(axis=0), (frames[2:] - frames[:-2]).std(axis=0)]) for frames in log_mels])
    by_mean = recall_leaving_a_speaker_out(means, emotions, speakers)
    by_all = recall_leaving_a_speaker_out(np.hstack([means, moves]), emotions, speakers)
    assert 0.25 < by_mean < 0.55
    assert by_mean + 0.15 < by_all < 0.95


def test_a_folder_of_recordings_is_not_written_over(tmp_path: Path) -> None:
    recording = tmp_path / "wav" / "03a01Fa.wav"
    recording.parent.mkdir()
    recording.write_bytes(b"a recording")
    with pytest.raises(FileExistsError, match=r"wav holds files but .*SYNTHETIC\.txt does not exist"):
        synthetic.write_emodb_like(tmp_path, 1, speakers=["03"])
    assert recording.read_bytes() == b"a recording"


def test_a_corpus_of_other_arguments_is_replaced(tmp_path: Path) -> None:
    synthetic.write_emodb_like(tmp_path, 1, speakers=["03"])
    written = synthetic.write_emodb_like(tmp_path, 1, speakers=["08"])
    assert sorted((tmp_path / "wav").iterdir()) == written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"speaker": "99"}, "unknown speaker '99', expected one of 03, 08"),
        ({"letter": "X"}, "unknown emotion letter 'X', expected one of W"),
        ({"text": "a03"}, "unknown text 'a03', expected one of a01"),
        ({"version": "A"}, "unknown version 'A', expected one of a"),
    ],
)
def test_an_unknown_part_of_a_name_is_an_error(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        synthetic.generate_utterance(**{"speaker": "03", "letter": "W", "text": "a01", **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"speakers": ["03", "99"]}, r"unknown speaker\(s\) \['99'\]"),
        ({"utterances_per_speaker": 0}, "utterances_per_speaker is 0, expected 1 or more"),
        ({"utterances_per_speaker": 2000}, "expected 260 at most"),
    ],
)
def test_a_plan_that_cannot_be_is_an_error(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        synthetic.plan(**arguments)  # type: ignore[arg-type]


def test_the_command_reports_an_error_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        synthetic.main([str(tmp_path), "--utterances-per-speaker", "0"])
    assert ended.value.code == 2 and "--utterances-per-speaker" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert synthetic.main([str(tmp_path / "file"), "--utterances-per-speaker", "1"]) == 1
    assert capsys.readouterr().err.startswith(str(tmp_path / "file"))
