"""Which recordings a command hears when files, folders, pipes and strange names are typed."""

import csv
import io
import os
import shutil
import socket
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typed_command import json_lines, run

from ser_acrnn import cli
from ser_acrnn.cli import inputs

pytestmark = [pytest.mark.stochastic, pytest.mark.usefixtures("shared_graphs")]


def test_a_folder_named_as_a_recording_is_none(capsys, folder, tmp_path):
    (tmp_path / "x.wav").mkdir()
    soundfile.write(tmp_path / "x.wav" / "a.wav", 0.1 * np.random.default_rng(1).normal(size=16_000), 16_000)
    code, printed, _ = run(capsys, "predict", "--model", folder / "training.keras", tmp_path)
    assert code == 0 and len(printed.splitlines()) == 1


def test_an_empty_folder_among_others_stops_none_of_them(capsys, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("nothing")
    words = ("predict", "--csv", "--model", folder / "training.keras")
    code, printed, error = run(capsys, *words, tmp_path / "empty", folder / "audio" / "b.wav")
    assert code == 1 and [Path(row["path"]).name for row in csv.DictReader(io.StringIO(printed)) if row["emotion"]] == ["b.wav"]
    assert "empty: is a folder, expected an audio file" in error and "skipped 1 of other kinds (such as notes.txt)" in error
    code, printed, error = run(capsys, *words, tmp_path / "empty")
    assert code == 2 and printed == "" and "empty: holds no audio file" in " ".join(error.split())


def test_a_socket_stops_no_other_and_what_cannot_be_enrolled_is_named_in_data(monkeypatch, capsys, folder, tmp_path):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("sock")
    code, printed, _ = run(capsys, "predict", "--json", "--model", folder / "training.keras", folder / "audio" / "b.wav", "sock")
    good, bad = json_lines(printed)
    assert code == 1 and good["emotion"] and bad == {"path": "sock", "error": "sock: is no regular file, expected an audio file"}
    code, printed, _ = run(capsys, "predict", "--json", "--same-speaker", "--model", folder / "training.keras", "sock", "none.wav")
    assert code == 1 and [row["path"] for row in json_lines(printed) if row["error"]] == ["sock", "none.wav"]


def test_a_name_that_is_not_utf_8_is_printed_and_ends_nothing(capfd, folder, tmp_path):
    strange = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.flac")
    shutil.copy(folder / "audio" / "a.flac", strange)
    words = ["--model", str(folder / "training.keras")]
    for command in (["predict", "--json"], ["predict", "--csv"], ["predict", "--timeline"], ["embed"]):
        for given in ([strange, str(folder / "audio" / "b.wav")], [str(tmp_path)]):
            assert cli.main([*command, *words, *given]) == 0
            found = capfd.readouterr()
            assert "\\udcff.flac" in found.out and found.err == "" and ("b.wav" in found.out) == (len(given) == 2)
    Path(strange).write_bytes(b"")
    assert cli.main(["predict", *words, strange]) == 1 and "\\udcff.flac: the file is empty" in capfd.readouterr().err


def test_what_is_skipped_in_a_folder_is_said_in_a_line_and_links_do_not_loop(capsys, folder, tmp_path):
    source = folder / "audio" / "b.wav"
    for name in ("x.wav", "._x.wav", ".x.wav", "notes.txt", ".hidden/x.wav", "deep/y.wav"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / "in" / name)
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(source, tmp_path / "elsewhere" / "z.wav")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "deep" / "loop").symlink_to(tmp_path / "in")
    code, printed, error = run(capsys, "predict", "--csv", "--model", folder / "training.keras", tmp_path / "in")
    found = [row["path"] for row in csv.DictReader(io.StringIO(printed))]
    assert code == 0 and found == [str(tmp_path / "in" / name) for name in ("deep/y.wav", "linked/z.wav", "x.wav")]
    said = (
        "3 hidden (such as ._x.wav), 1 of other kinds (such as notes.txt), 1 linked to a folder that is heard already (such as deep/loop)"
    )
    assert error == f"{tmp_path / 'in'}: skipped {said}\n"


def test_a_pipe_and_standard_input_are_read_and_named_as_given(monkeypatch, capsys, folder, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(kept))
    recording, words = folder / "audio" / "a.flac", ("predict", "--csv", "--model", folder / "training.keras")
    _, expected, _ = run(capsys, *words, recording)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(recording.read_bytes())))
    assert run(capsys, *words, "-") == (0, expected.replace(str(recording), "-"), "")
    os.mkfifo(tmp_path / "pipe")
    writing = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(recording.read_bytes()), daemon=True)
    writing.start()
    assert run(capsys, *words, tmp_path / "pipe") == (0, expected.replace(str(recording), str(tmp_path / "pipe")), "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    code, _, error = run(capsys, *words, "-")
    assert code == 1 and "  -: the file is empty" in error
    monkeypatch.setattr(inputs, "LARGEST_PIPE_BYTES", 100)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(101))))
    code, _, error = run(capsys, *words, "-")
    assert code == 1 and error == "-: holds more than 100 bytes, expected a recording of at most that\n"
    assert not list(kept.iterdir())


def test_a_file_that_may_not_be_read_stops_no_other(monkeypatch, capsys, folder, tmp_path):
    shutil.copy(folder / "audio" / "b.wav", tmp_path / "locked.wav")
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **more: not str(path).endswith("locked.wav") and may(path, mode, **more))
    for command in ("predict", "embed"):
        words = (command, "--model", folder / "training.keras", tmp_path / "locked.wav", folder / "audio" / "b.wav")
        code, printed, error = run(capsys, *words)
        assert code == 0 and error == "" and "locked.wav" in printed and "b.wav" in printed  # it is found by reading


def test_control_characters_of_a_name_are_escaped_in_text_and_kept_in_data(capsys, folder, tmp_path):
    strange = tmp_path / "a\nb\x1b[31m.wav"
    shutil.copy(folder / "audio" / "b.wav", strange)
    words = ("predict", "--model", folder / "training.keras", strange)
    for timeline in ((), ("--timeline",)):
        code, printed, _ = run(capsys, *words, *timeline)
        assert code == 0 and len(printed.splitlines()) == 1 and "/a\\nb\\x1b[31m.wav" in printed
    assert json_lines(run(capsys, *words, "--json")[1])[0]["path"] == str(strange)
    assert next(csv.DictReader(io.StringIO(run(capsys, *words, "--csv")[1])))["path"] == str(strange)
    strange.write_bytes(b"")
    code, _, error = run(capsys, *words)
    assert code == 1 and len(error.splitlines()) == 2 and "/a\\nb\\x1b[31m.wav: the file is empty" in error
