"""Help: every option of every command says what it is, its default and its unit; all commands have `-h`."""

import re
from importlib import import_module

import pytest
import typer

from data_prep import command
from docs.hooks import targets_page
from ser_acrnn import cli

# A number with a fraction is a measure of something.
REAL = re.compile(r"<float( range)?>|\bFLOAT\b|\bGB\b")
UNITS = re.compile(r"\b(seconds|hours|memory|share|learning rate|length)\b", re.IGNORECASE)
# What is done also, or instead of something, is not done by default.
DEFAULT = re.compile(r"\bdefault\b|\brequired\]|\balso\b|\binstead\b", re.IGNORECASE)


def records(name, command):
    """What help prints of each parameter: names, text, and whether it is a flag."""
    with command.make_context(name, [], resilient_parsing=True) as context:
        for one in command.params:
            if record := one.get_help_record(context):
                yield name, *record, getattr(one, "is_flag", False)


def of_the_command():
    whole = typer.main.get_command(cli.app())
    yield from records("ser-acrnn", whole)
    for name, sub in whole.commands.items():
        yield from records(f"ser-acrnn {name}", sub)


def of_the_modules():
    for name in [*targets_page.modules(), "notebooks"]:
        module = import_module(name)
        if hasattr(module, "__path__") and not hasattr(module, "main"):
            module = import_module(f"{name}.__main__")
        if main := getattr(module, "main", None):  # others are a command's own processes
            yield from records(name, typer.main.get_command(command.app(main.__wrapped__, [], print)))


@pytest.mark.parametrize("commands", [of_the_command, of_the_modules])
def test_every_option_says_what_it_is_its_default_and_its_unit(commands):
    found = list(commands())
    assert len(found) > 40
    silent = [(command, names) for command, names, text, _ in found if not re.sub(r"\[.*\]", "", text).strip()]
    assert not silent
    assert not [(command, names) for command, names, text, flag in found if not flag and not DEFAULT.search(text)]
    assert not [(command, names) for command, names, text, _ in found if REAL.search(names) and not UNITS.search(text)]


def test_a_subcommand_is_read_by_its_file_alone_and_reads_as_among_all_others():
    whole = typer.main.get_command(cli.app()).commands
    assert list(whole) == list(cli.COMMANDS)
    for name, file in cli.COMMANDS.items():
        beside = typer.main.get_command(cli.app([name, "--help"])).commands
        assert list(beside) == [other for other, place in cli.COMMANDS.items() if place == file]
        assert list(records(name, beside[name])) == list(records(name, whole[name]))


@pytest.mark.parametrize("words", [[], ["predict"], ["train"]])
def test_help_has_a_short_name(capsys, words):
    assert cli.main([*words, "-h"]) == 0
    short = capsys.readouterr().out
    assert cli.main([*words, "--help"]) == 0 and capsys.readouterr().out == short and "-h, --help" in short


def test_the_modules_help_has_the_short_name_too(capsys):
    with pytest.raises(SystemExit) as end:
        import_module("data_prep.prepare").main(["-h"])
    assert end.value.code == 0 and "-h, --help" in capsys.readouterr().out
