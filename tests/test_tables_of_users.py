"""A CSV is read as it stands, or refused with file, line and column."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ser_acrnn import tables
from ser_acrnn.tables import Table, TableError

ROWS = Table(["path", "speaker", "emotion"], [(2, ["a.wav", "03", "happy, or so"]), (3, ["ü.wav", "08", 'so-called "sad"'])])
PLAIN = 'path,speaker,emotion\na.wav,03,"happy, or so"\nü.wav,08,"so-called ""sad"""\n'


def read(folder: Path, content: str | bytes) -> Table:
    path = folder / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tables.read(path)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.removesuffix("\n"),
        'path;speaker;emotion\na.wav;03;happy, or so\nü.wav;08;"so-called ""sad"""\n',
        'path\tspeaker\temotion\na.wav\t03\thappy, or so\nü.wav\t08\t"so-called ""sad"""\n',
        ' "path", speaker ,emotion \n a.wav, 03 , "happy, or so" \nü.wav,08,"so-called ""sad"""\n',
        PLAIN + "\n  \n,,\n",  # the ends of spreadsheets
        ",path,speaker,emotion\n"
        + "".join(f"{number},{line}\n" for number, line in enumerate(PLAIN.splitlines()[1:])),  # numbered by pandas
        "path,speaker,emotion,,\n" + "".join(f"{line},,\n" for line in PLAIN.splitlines()[1:]),
    ],
)
def test_one_table_is_written_in_many_ways(tmp_path: Path, content: str | bytes) -> None:
    assert read(tmp_path, content) == ROWS


def test_empty_lines_count_as_lines_of_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "\npath,speaker\n\na.wav,03\n").rows == [(4, ["a.wav", "03"])]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"t\.csv: is empty, expected a CSV file with a head of columns$"),
        ("\n \n", r"t\.csv: is empty"),
        ("path,emotion, emotion\n", r"t\.csv: has the column 'emotion' twice, expected each once$"),
        (PLAIN.encode("utf-16"), r"t\.csv: cannot be read \(is in UTF-16\), expected a CSV file in UTF-8$"),
        (PLAIN.encode("utf-16-le"), r"t\.csv: cannot be read \(line 1 holds a NUL byte\), expected a CSV file in UTF-8$"),
        (PLAIN.replace("03", "0\0").encode(), r"t\.csv: cannot be read \(line 2 holds a NUL byte\)"),
        (
            PLAIN.encode("latin-1"),
            r"t\.csv: cannot be read \(line 3 holds the byte 0xfc, which is not UTF-8\), expected a CSV file in UTF-8$",
        ),
        (
            'path,emotion\na,b\nc,"d\ne,f\n',
            r"t\.csv, line 3: cannot be read \(a quote is not closed\), expected quotes to stand around whole values and to be",
        ),
        ('path,emotion\na,b\nc,"d\ne,f"\n', r"t\.csv, line 3: cannot be read"),  # a line break inside quotes
        ('path,emotion\nc,"d" e\n', r"t\.csv, line 2: cannot be read"),
        (
            'path,emotion\na,b\nc,d"\n',
            r"""t\.csv, line 3: holds 'd"', expected quotes around whole values alone, and doubled within one$""",
        ),
        ("path,emotion\nc," + "d" * 200_000 + "\n", r"t\.csv, line 2: cannot be read \(field larger than field limit"),
        ("path,emotion\nc\n", r"t\.csv, line 2: has 1 fields, expected 2: path, emotion$"),
        (
            "path,emotion\nc,angry, excited\n",
            r"line 2: has 3 fields, expected 2: path, emotion; 'excited' is in no column, and a value with",
        ),
        ("path,emotion\na,b\npath, emotion\nc,d\n", r"t\.csv, line 3: is the head of the table again, expected each table with one head$"),
        ("path;speaker;emotion\na.wav,3,sad\n", r"line 2: has 1 fields, expected 3: path, speaker, emotion$"),
        ("path,emotion,\nc,angry, excited\n", r"line 2: holds 'excited' in column 3, which has no name, expected nothing there$"),
    ],
)
def test_what_is_not_as_it_should_be_is_named_by_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(TableError, match=message) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(TableError, match=rf"{path.name}: cannot be read \(.+\), expected a CSV file in UTF-8$"):
            tables.read(path)


def test_any_bytes_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    rng = random.Random(0)
    ends = {"read": 0, "refused": 0}
    for _ in range(500):
        content = bytearray(PLAIN.encode())
        for _ in range(rng.randint(1, 3)):
            content[rng.randrange(len(content))] = rng.choice(b'",;\t\r\n\0\xff \x0b|a')
        try:
            table = read(tmp_path, bytes(content))
        except TableError as error:
            assert str(error).startswith(f"{tmp_path / 't.csv'}") and "\n" not in str(error) and "expected" in str(error)
            ends["refused"] += 1
        else:
            assert all(len(cells) == len(table.columns) for _, cells in table.rows)
            ends["read"] += 1
    assert min(ends.values()) > 50


@pytest.mark.parametrize(
    ("one", "other"),
    [("3", "03"), ("3", "3.0"), ("Anna", "anna"), ("s 3", "s3"), ("s03", "s3"), ("J\u00f6rg", "Jo\u0308rg"), ("sad", "sad\u200b")],
)
def test_names_that_look_alike(one: str, other: str) -> None:
    assert tables.alike(one) == tables.alike(other)


@pytest.mark.parametrize(("one", "other"), [("3", "30"), ("s0", "s"), ("anna", "hanna"), ("1.5", "15"), ("0", "00a")])
def test_names_that_do_not_look_alike(one: str, other: str) -> None:
    assert tables.alike(one) != tables.alike(other)


def test_a_long_list_is_cut_short() -> None:
    assert tables.listed(["a", "b"]) == "a; b"
    assert tables.listed([str(number) for number in range(12)]) == "0; 1; 2; 3; 4; 5; 6; 7; 8; 9; and 2 more"
