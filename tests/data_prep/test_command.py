"""How every command reads its arguments and ends."""

import errno
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
import typer

from data_prep import command


@dataclass(frozen=True, kw_only=True)
class Shared:
    size: Annotated[int, typer.Option(help="of both")]
    share: Annotated[float, typer.Option(help="of it")] = 1.0
    kind: Annotated[Literal["wide", "narrow"] | None, typer.Option(help="of it")] = None

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(f"--size is {self.size}, expected 0 or more")


class HeldError(ValueError):
    exit_code = 75


@command.entry
def main(shared: Shared, path: Annotated[str, typer.Argument()], loud: Annotated[bool, typer.Option("--loud")] = False) -> int | None:
    if path == "goes":
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    if path == "full":
        raise OSError(errno.ENOSPC, "No space left on device")
    errors = {"broken": ValueError("cannot be read"), "gone": FileNotFoundError("is gone"), "held": HeldError("is held")}
    if path in errors:
        raise errors[path]
    print(shared, path, loud)
    return 3 if loud else None


def test_a_command_is_told_its_arguments_and_ends_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a", "--size", "1", "--kind", "wide"]) == 0
    assert main(["--loud", "--size=2", "b"]) == 3
    assert capsys.readouterr().out == f"{Shared(size=1, kind='wide')} a False\n{Shared(size=2)} b True\n"


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [("broken", 1, "cannot be read"), ("full", 1, "the output: No space left on device"), ("gone", 1, "is gone"), ("held", 75, "is held")],
)
def test_what_cannot_be_used_is_a_line(path: str, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([path, "--size", "1"]) == code
    assert capsys.readouterr() == ("", f"{words}\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["a"], "Missing option '--size'"),
        (["a", "--size", "1", "--other"], "No such option: --other"),
        (["a", "--size", "one"], "Invalid value for '--size'"),
        (["a", "--size", "1", "--kind", "long"], "'long' is not one of 'wide', 'narrow'"),
        (["a", "--size", "9" * 5000], "--size"),
        (["a", "--size", "1", "--share", "nan"], "--share is nan, expected a number"),
        (["a", "--size", "1", "--share", "inf"], "--share is inf, expected a number"),
        (["a", "--size", "99999999999"], "--size is of 11 digits, expected a number"),
        (["a", "--size", "-1"], "--size is -1, expected 0 or more"),
        (["a", "b", "--size", "1"], "unexpected extra argument"),
    ],
)
def test_wrong_arguments_are_refused_with_code_2(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2 and complaint in capsys.readouterr().err.splitlines()[-1]


def test_help_says_what_the_module_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert all(words in shown for words in ("How every command", "--size", "of both", "wide|narrow"))


def test_a_reader_that_goes_away_ends_it_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["goes", "--size", "1"]) == 1
    assert capsys.readouterr() == ("", "")
