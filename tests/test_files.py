"""Files that appear whole or not at all, whoever else writes them."""

import hashlib
import os
import re
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from ser_acrnn import files


def test_a_file_is_replaced_when_it_is_complete(tmp_path):
    path = tmp_path / "deeper" / "result.json"
    with files.replacing(path) as partial:
        partial.write_text("new")
        assert partial.parent == path.parent and not path.exists()
    assert path.read_text() == "new" and os.listdir(path.parent) == ["result.json"]


def test_what_fails_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "result.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as partial:
        partial.write_text("half")
        _ = 1 / 0
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["result.json"]


def test_threads_that_write_the_same_file_do_not_disturb_each_other(tmp_path):
    path, texts = tmp_path / "result.json", [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            list(pool.map(lambda text: files.write_text(path, text), texts))
            assert path.read_text() in texts and os.listdir(tmp_path) == ["result.json"]


def test_what_a_killed_process_leaves_is_told_from_what_is_being_written(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    with files.replacing(tmp_path / "a.json") as partial:
        partial.write_text("half")
        left = tmp_path / partial.name.replace(f"-{os.getpid()}-", f"-{gone.pid}-")
        elsewhere = tmp_path / left.name.replace(f"a.json.{socket.gethostname()}", "a.json.another-host")
        for path in (left, elsewhere):
            path.write_text("half")
        assert files.leftovers(tmp_path) == files.leftovers(tmp_path, "a.json") == [left]
        assert files.leftovers(tmp_path, "b.json") == []


def test_what_a_killed_process_leaves_is_gone_once_the_file_is_written_even_if_its_number_is_another_process_now(tmp_path):
    with files.replacing(tmp_path / "a [1].json") as partial:
        other = subprocess.Popen(["sleep", "60"])
        left = [tmp_path / partial.name.replace(f"-{os.getpid()}-", f"-{number}-") for number in (other.pid, 2**22 + 1)]
        for path in left:
            path.write_text("half")
        partial.write_text("first")
        os.utime(left[0], (0, 0))  # before that process began
    try:
        files.write_text(tmp_path / "a [2].json", "")
        assert all(path.exists() for path in left)
        files.write_text(tmp_path / "a [1].json", "whole")
        assert sorted(os.listdir(tmp_path)) == ["a [1].json", "a [2].json"]
    finally:
        other.kill()
        other.wait()


def test_a_file_is_removed_with_what_was_being_written_of_it(tmp_path):
    names = ["Anna [2]-seed0.npz", "Anna [2]-seed0.npz.host-1-0.partial", "Anna [2]-seed0.npz.stage1", "Anna 2-seed0.npz"]
    for name in names:
        (tmp_path / name).write_text("")
    files.remove_with_leftovers(tmp_path / names[0])
    files.remove_with_leftovers(tmp_path / names[0])
    assert os.listdir(tmp_path) == names[3:]


def test_a_file_has_the_access_rights_that_any_new_one_has(tmp_path):
    (tmp_path / "plain").write_text("")
    files.write_text(tmp_path / "replaced", "")
    assert (tmp_path / "replaced").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_line_ends_and_checksums_are_the_same_everywhere(tmp_path):
    files.write_text(tmp_path / "text", "ä\n")
    assert (tmp_path / "text").read_bytes() == "ä\n".encode()
    assert files.sha256(tmp_path / "text") == files.sha256_of("ä\n") == hashlib.sha256("ä\n".encode()).hexdigest()


def test_nothing_is_written_over_what_is_read_by_whatever_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "link.csv").symlink_to("a.csv")
    os.link("a.csv", "hard.csv")
    for name in ("a.csv", "./a.csv", tmp_path / "a.csv", "link.csv", "hard.csv"):
        with pytest.raises(files.WriteError, match=re.escape(f"{name}: would be written over a.csv, which is read")):
            files.check_no_input([None, name], ["gone.csv", None, "a.csv"])
    with pytest.raises(files.WriteError, match=r"y/\.\./x\.csv: would be written over x\.csv, which is written too"):
        files.check_no_input(["x.csv", "y/../x.csv"], [])
    files.check_no_input(["x.csv", "y.csv", "/dev/null", "/dev/null"], ["a.csv", "/dev/null"])
