"""`ser-acrnn predict`: rows and lines, timelines, tempos, speakers and plots."""

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typed_command import EMOTIONS, json_lines, run

from ser_acrnn.audio.files import AudioError
from ser_acrnn.config import FIVE_TEMPOS
from ser_acrnn.inference.predictions import Prediction, WindowPrediction
from ser_acrnn.inference.predictor import Predictor

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def test_a_folder_is_judged_in_order_and_bad_files_are_listed_at_the_end(capsys, folder):
    model = folder / "training.keras"
    code, printed, error = run(
        capsys, "predict", "--model", model, folder / "audio", folder / "missing.wav", folder / "audio" / "notes.txt"
    )
    assert code == 1
    assert [line.split(": ")[0] for line in printed.splitlines()] == [
        str(folder / "audio" / name) for name in ("a.flac", "b.wav", "deep/c.ogg")
    ]
    assert error.splitlines()[0] == "2 of 5 recordings could not be used:"
    assert "missing.wav: no such file" in error and "notes.txt: cannot be read as audio" in error
    assert run(capsys, "predict", "--model", model, folder / "audio")[0] == 0
    code, _, error = run(capsys, "predict", "--model", folder / "none.keras", folder / "audio")
    assert code == 1 and "none.keras: no such file" in error


def test_json_and_csv_hold_the_same(capsys, folder):
    words = ("predict", "--model", folder / "training.keras", folder / "audio")
    _, as_json, _ = run(capsys, *words, "--json")
    _, as_csv, _ = run(capsys, *words, "--csv")
    entries, rows = json_lines(as_json), list(csv.DictReader(io.StringIO(as_csv)))
    assert len(entries) == len(rows) == 3
    for entry, row in zip(entries, rows, strict=True):
        posteriors = entry.pop("posteriors")
        assert {name: str(value) for name, value in (entry | posteriors).items()} == row
        assert entry["emotion"] in EMOTIONS == tuple(posteriors) and sum(posteriors.values()) == pytest.approx(1, abs=1e-3)
    assert [entry["seconds"] for entry in entries] == [5, 1.5, 2]


def test_errors_have_lines_of_their_own_in_json_and_none_in_csv(capsys, folder, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"")
    words = ("predict", "--model", folder / "training.keras", tmp_path / "bad.wav", folder / "audio" / "b.wav")
    for timeline in ((), ("--timeline",)):
        code, printed, error = run(capsys, *words, "--json", *timeline)
        bad, good = json_lines(printed)
        assert code == 1 and bad == {"path": str(tmp_path / "bad.wav"), "error": bad["error"]}
        assert good["path"].endswith("b.wav") and set(good["posteriors"]) == set(EMOTIONS) and "error" not in good
        assert bad["error"].startswith(f"{tmp_path / 'bad.wav'}: the file is empty") and bad["error"] in error
        _, printed, _ = run(capsys, *words, "--csv", *timeline)
        assert printed.splitlines()[0].startswith("path,s") and len(printed.splitlines()) == 2


def test_what_is_like_nothing_that_trained_the_network_is_unsure_in_every_form(monkeypatch, capsys, folder):
    prediction = Prediction("sad", {"a\nb": 0.25, "sad": 0.75}, (), 0.1, unfamiliarity=1.5)
    monkeypatch.setattr(Predictor, "predict_many", lambda self, recordings: (prediction for _ in recordings))
    words = ("predict", "--model", folder / "training.keras", "x.wav")
    assert run(capsys, *words)[1] == "x.wav: unsure (sad 0.75, a\\nb 0.25)\n"
    (found,) = json_lines(run(capsys, *words, "--json")[1])
    (row,) = csv.DictReader(io.StringIO(run(capsys, *words, "--csv")[1]))
    assert (found["unsure"], found["emotion"]) == (True, "sad") and (row["unsure"], row["emotion"]) == ("True", "sad")


@pytest.mark.parametrize("name", ["a\rb.wav", "a\r\nb.wav", "a\nb.wav"])
def test_line_ends_in_a_name_end_no_line_of_the_csv(monkeypatch, capsys, folder, name):
    prediction = Prediction("sad", {"happy": 0.25, "sad": 0.75}, (), 0.1)
    monkeypatch.setattr(Predictor, "predict_many", lambda self, recordings: (prediction for _ in recordings))
    printed = run(capsys, "predict", "--model", folder / "training.keras", "--csv", name, "x.wav")[1]
    assert [row["path"] for row in csv.DictReader(io.StringIO(printed, newline=""))] == [name, "x.wav"]
    assert printed.endswith("\n") and not printed.endswith("\r\n")


def test_a_timeline_has_a_row_a_window(capsys, folder):
    path = folder / "audio" / "a.flac"
    _, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", "--timeline", "--json", path)
    assert [(entry["start"], entry["end"]) for entry in json_lines(printed)] == [(0, 3.015), (1, 4.015), (1.985, 5)]
    code, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", "--timeline", path)
    assert code == 0 and printed.startswith(f"{path} 0.0-3.0 s: ")


def test_the_windows_of_a_timeline_appear_as_they_are_judged(monkeypatch, capsys, folder):
    heard = []

    def timeline(self, recording, *, hop_seconds):
        for number in range(3):
            heard.append(capsys.readouterr().out)
            yield WindowPrediction(number, number + 3, {"angry": 0.5, "sad": 0.25, "happy": 0.25})
        raise AudioError(f"{recording}: is cut off, expected more")

    monkeypatch.setattr(Predictor, "timeline", timeline)
    for option, lines in (
        ("--json", ["", '{"path": "x.wav"', '{"path": "x.wav"']),
        ("--csv", ["", "path,start,", "x.wav,1,4,0.0,0.0,0.0,False,angry"]),
    ):
        heard.clear()
        code, printed, error = run(capsys, "predict", "--model", folder / "training.keras", "--timeline", option, "x.wav", "y.wav")
        assert code == 1 and error.splitlines()[1:] == ["  x.wav: is cut off, expected more", "  y.wav: is cut off, expected more"]
        assert all(text.startswith(line) for text, line in zip(heard, lines, strict=False))
        assert all(heard[1:3]) and printed
    code, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", "--timeline", "--json", "x.wav")
    *windows, failed = json_lines("".join(heard[-2:]) + printed)
    assert [window["start"] for window in windows] == [0, 1, 2] and failed["error"] == "x.wav: is cut off, expected more"


def test_five_tempos_are_those_of_the_python_interface(capsys, folder):
    path = folder / "audio" / "a.flac"
    _, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", "--json", "--tempos", path)
    expected = Predictor(folder / "training.keras", tempos=FIVE_TEMPOS).predict(path).posteriors
    (entry,) = json_lines(printed)
    assert [entry["posteriors"][emotion] for emotion in EMOTIONS] == pytest.approx(list(expected.values()), abs=1e-4)
    plain = Predictor(folder / "training.keras").predict(path).posteriors
    assert max(abs(plain[emotion] - expected[emotion]) for emotion in EMOTIONS) > 2e-4


def test_a_timeline_of_another_hop(capsys, folder):
    words = ("predict", "--model", folder / "training.keras", "--json", folder / "audio" / "a.flac", "--hop", "0.5")
    _, printed, _ = run(capsys, *words, "--timeline")
    assert [entry["start"] for entry in json_lines(printed)] == [0, 0.5, 1, 1.5, 1.985]
    code, _, error = run(capsys, *words)
    assert code == 2 and "--hop is of --timeline" in error
    assert run(capsys, *words, "--timeline", "--hop", "0")[0] == 2


def test_windows_of_a_long_recording_that_are_not_judged_are_named(capsys, folder, tmp_path):
    samples = 0.1 * np.random.default_rng(1).normal(size=16_000 * 62)
    samples[16_000 * 30] = np.nan
    soundfile.write(tmp_path / "long.wav", samples, 16_000, subtype="FLOAT")
    code, printed, error = run(capsys, "predict", "--model", folder / "training.keras", tmp_path / "long.wav")
    assert code == 0 and printed.startswith(f"{tmp_path / 'long.wav'}: ")
    place = "4 of 60 windows are not judged, the first at 27.0 s because it holds 1 NaN or infinite samples"
    assert error.startswith(f"{tmp_path / 'long.wav'}: {place}")


def test_a_bad_recording_of_the_speaker_stops_none_of_the_others(capsys, folder, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"")
    words = ("predict", "--same-speaker", "--model", folder / "speaker.keras")
    _, expected, _ = run(capsys, *words, folder / "audio")
    code, printed, error = run(capsys, *words, tmp_path / "bad.wav", folder / "audio")
    assert code == 1 and printed == expected and error.splitlines()[0] == "1 of 4 recordings could not be used:"
    code, _, error = run(capsys, *words, tmp_path / "bad.wav")
    assert code == 1 and "no recording of the speaker can be used: " in error


def test_a_plot_is_drawn(capsys, folder):
    figure = folder / "figure.png"
    code, _, error = run(capsys, "predict", "--model", folder / "training.keras", "--plot", figure, folder / "audio" / "a.flac")
    assert code == 0 and error == f"figure: {figure}\n"
    assert figure.read_bytes().startswith(b"\x89PNG")
    words = ("predict", "--model", folder / "training.keras", folder / "audio" / "a.flac")
    code, _, _ = run(capsys, *words, "--timeline", "--plot", folder / "figure.svg", "--width", "8.89cm")
    assert code == 0 and ' width="252pt"' in (folder / "figure.svg").read_text()  # 3.5 inches
    assert run(capsys, *words, "--width", "3.5in")[0] == run(capsys, *words, "--plot", figure, "--width", "3.5")[0] == 2


def test_a_plot_makes_its_folder_and_one_that_fails_leaves_the_row(monkeypatch, capsys, folder, tmp_path):
    words = ("predict", "--model", folder / "training.keras", folder / "audio" / "a.flac", "--plot")
    assert run(capsys, *words, tmp_path / "new" / "x.png")[0] == 0 and (tmp_path / "new" / "x.png").is_file()
    if Path("/dev/full").exists():
        code, printed, error = run(capsys, *words, "/dev/full")
        assert code == 1 and "a.flac: " in printed and error.startswith("/dev/full: cannot be written (No space left on device)")
        assert not Path("/dev/full").is_file()


def test_a_network_of_speakers_asks_for_one(capsys, folder):
    code, _, error = run(capsys, "predict", "--model", folder / "speaker.keras", folder / "audio")
    assert code == 1 and "expected --same-speaker" in error
    assert run(capsys, "predict", "--same-speaker", "--model", folder / "speaker.keras", folder / "audio")[0] == 0


def test_a_network_adapts_to_one_speaker(capsys, folder):
    words = ("predict", "--json", "--model", folder / "training.keras", folder / "audio")
    plain, adapted = run(capsys, *words), run(capsys, *words, "--same-speaker")
    assert plain[0] == adapted[0] == 0 and plain[1] != adapted[1]


@pytest.mark.parametrize("samples, windows", [(0, 0), (32_000, 1)])
def test_a_timeline_without_a_window_that_is_judged_is_an_error_as_of_the_whole(capsys, folder, tmp_path, samples, windows):
    soundfile.write(tmp_path / "x.wav", np.zeros(samples), 16_000)
    words = ("predict", "--model", folder / "training.keras", tmp_path / "x.wav")
    code, printed, expected = run(capsys, *words)
    assert code == 1 and printed == "" and expected.startswith("1 of 1 recordings could not be used:\n")
    for option, rows in (((), windows), (("--csv",), 2 * windows), (("--json",), windows + 1)):
        code, printed, error = run(capsys, *words, "--timeline", *option)
        assert (code, len(printed.splitlines()), error) == (1, rows, expected)
    assert json_lines(printed)[-1]["error"] in expected


def test_a_plot_is_not_drawn_over_what_is_read(capsys, folder, tmp_path):
    drawn = tmp_path / "a.svg"
    shutil.copy(folder / "audio" / "b.wav", drawn)
    before = drawn.read_bytes()
    code, printed, error = run(capsys, "predict", "--model", folder / "training.keras", "--plot", drawn, drawn)
    assert code == 1 and printed == "" and error == f"{drawn}: would be written over {drawn}, which is read; expected another name\n"
    assert drawn.read_bytes() == before
