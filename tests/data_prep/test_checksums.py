"""Tests of data_prep.checksums."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from data_prep.checksums import compare, list_files, list_files_below, read_checksums
from ser_acrnn.data.corpus import CorpusError
from ser_acrnn.files import sha256

# FIPS 180-2, appendix B.1.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sha256_is_that_of_the_standard(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == ABC


def test_reads_what_sha256sum_writes(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"{ABC}  a.wav\n{ABC.upper()} *b c.wav\n")
    assert read_checksums(tmp_path / "list") == {"a.wav": ABC, "b c.wav": ABC}


@pytest.mark.parametrize("line", ["a.wav", f"{ABC[:-1]}  a.wav", f"{ABC}  ../a.wav", f"{ABC}  b\\a.wav", f"{ABC}  ..", f"{ABC}  ", ""])
def test_refuses_other_lines_and_names_them(tmp_path: Path, line: str) -> None:
    (tmp_path / "list").write_text(f"{ABC}  first.wav\n{line}\n")
    with pytest.raises(CorpusError, match=r"list, line 2: .*expected a sha256"):
        read_checksums(tmp_path / "list")


def test_a_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"\xff" + ABC.encode())
    for path in (tmp_path / "list", tmp_path / "nothing"):
        with pytest.raises(CorpusError, match=rf"{path}: cannot be read .*expected a checksum list in UTF-8"):
            read_checksums(path)


def test_refuses_a_name_that_occurs_twice(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"{ABC}  a.wav\n{ABC}  a.wav\n")
    with pytest.raises(CorpusError, match=r"'a.wav' occurs twice"):
        read_checksums(tmp_path / "list")


def test_compare_tells_four_kinds_apart(tmp_path: Path) -> None:
    listed = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("good.wav", "bad.wav", "gone.wav", "folder.wav")}
    (tmp_path / "good.wav").write_bytes(b"good.wav")
    (tmp_path / "bad.wav").write_bytes(b"bad.waw")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "another folder.wav").mkdir()
    for name in ("extra.wav", "extra.WAV", "._good.wav", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    result = compare(tmp_path, listed)
    assert result.matching == ("good.wav",)
    assert result.differing == ("bad.wav",)
    assert result.missing == ("folder.wav", "gone.wav")
    assert result.unexpected == ("extra.WAV", "extra.wav")
    assert not result.complete and not result.clean
    assert result.summary(examples=1) == "1 match, 2 missing (folder.wav, ...), 1 differing (bad.wav), 2 unexpected (extra.WAV, ...)"


def test_unexpected_files_leave_a_folder_complete_but_not_clean(tmp_path: Path) -> None:
    (tmp_path / "abc.wav").write_bytes(b"abc")
    assert compare(tmp_path, {"abc.wav": ABC}).clean
    (tmp_path / "more.wav").write_bytes(b"abc")
    assert compare(tmp_path, {"abc.wav": ABC}).complete
    assert not compare(tmp_path, {"abc.wav": ABC}).clean


def test_a_folder_that_does_not_exist_lacks_every_file(tmp_path: Path) -> None:
    assert compare(tmp_path / "none", {"abc.wav": ABC}).missing == ("abc.wav",)


def test_files_are_listed_where_links_lead_and_links_that_lead_nowhere_too(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for path in ("elsewhere/b.wav", "c.wav", "._c.wav", "notes.txt"):
        (tmp_path / path).write_bytes(b"")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "gone.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.wav").symlink_to(tmp_path / "elsewhere")
    assert list_files_below(tmp_path / "in", {".wav"}) == [tmp_path / "in" / "gone.wav", tmp_path / "in" / "linked" / "b.wav"]
    assert [path.name for path in list_files(tmp_path, {".wav"})] == ["c.wav"]
