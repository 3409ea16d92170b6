"""Options from a file: their types and names, and that those on the command line win."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pytest
import typer

from ser_acrnn.cli import settings
from ser_acrnn.cli.failures import Command, option


@pytest.mark.parametrize(("text", "numbers"), [("3", [3]), ("0-2", [0, 1, 2]), ("5,0-1,1", [0, 1, 5])])
def test_lists_of_numbers(text, numbers):
    assert settings.number_list(text) == numbers


@pytest.mark.parametrize("text", ["", "a", "2-1", "-1", "1-", "1,,2", "0-99999999999"])
def test_what_is_no_list_of_numbers(text):
    with pytest.raises(ValueError, match="expected something like 0,2,5-7"):
        settings.number_list(text)


def measure(
    out: Annotated[Path, typer.Option()],
    learning_rate: Annotated[float | None, typer.Option(max=10)] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 2,
    judge: Annotated[bool, typer.Option()] = True,
    seeds: Annotated[Sequence[int] | None, typer.Option(parser=option(settings.number_list))] = None,
    config: settings.Config = None,
) -> None:
    """Prints what it is given."""
    print(out, learning_rate, epochs, judge, seeds)


def run(capsys, *words):
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(cls=Command)(measure)
    with pytest.raises(SystemExit) as end:
        app([str(word) for word in words])
    return end.value.code, *capsys.readouterr()


def test_a_file_has_the_options_and_the_command_line_wins(capsys, tmp_path):
    file = tmp_path / "a.toml"
    file.write_text('out = "there"\nlearning-rate = 1\nepochs = 3\njudge = false\nseeds = "0-2"\n')
    assert run(capsys, "--config", file) == (0, "there 1.0 3 False [0, 1, 2]\n", "")
    assert run(capsys, "--epochs", 9, "--judge", "--config", file, "--out", "here") == (0, "here 1.0 9 True [0, 1, 2]\n", "")
    file.write_text("learning_rate = 0.5\nseeds = 4\n")
    assert run(capsys, "--config", file, "--out", "here") == (0, "here 0.5 2 True [4]\n", "")
    assert run(capsys, "--config", file)[0] == 2  # nothing says where


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "has the key 'epoch', expected some of epochs, judge, learning-rate, out, seeds"),
        ('config = "b.toml"', "has the key 'config', expected some of"),
        ('epochs = "3"', "epochs is '3', expected a whole number"),
        ("epochs = 3.0", "epochs is 3.0, expected a whole number"),
        ("epochs = true", "epochs is True, expected a whole number"),
        ("epochs = 0", "epochs is 0, expected at most"),
        ("learning-rate = nan", "learning-rate is nan, expected at most 10"),
        ("learning-rate = 11", "learning-rate is 11, expected at most 10"),
        ("learning-rate = 1\nlearning_rate = 1", "has the key 'learning_rate' twice"),
        ("judge = 1", "judge is 1, expected true or false"),
        ("out = 3", "out is 3, expected a text in quotes"),
        ("[out]\na = 1", "out is {'a': 1}, expected a text in quotes"),
        ('seeds = "x"', "seeds is 'x': 'x' is not a list of numbers"),
        ("seeds = [1]", "seeds is [1], expected a text in quotes"),
        ("epochs = ", "cannot be read (Invalid value"),
    ],
)
def test_what_cannot_be_meant_is_named_by_file_and_key_in_a_line(capsys, tmp_path, text, message):
    file = tmp_path / "a.toml"
    file.write_text(text)
    code, printed, error = run(capsys, "--out", "here", "--config", file)
    assert code == 1 and printed == "" and error.count("\n") == 1
    assert error.startswith(str(file)) and message in error


def test_a_file_that_is_not_there_or_no_text_is_named(capsys, tmp_path):
    assert "none.toml: cannot be read (No such file" in run(capsys, "--config", tmp_path / "none.toml")[2]
    (tmp_path / "a.toml").write_bytes(b"\xff")
    assert "a.toml: cannot be read ('utf-8' codec" in run(capsys, "--config", tmp_path / "a.toml")[2]
