"""By what a model is chosen, as the configuration or the log of its training says: not by the test part."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ser_acrnn.auditing.files_of_splits import text_of
from ser_acrnn.auditing.findings import Finding, sentence

# `key: value`, `key = value`, `--key value` and JSON's `"key": "value"`, in whatever file they stand.
_SETTING = re.compile(r"""^\s*(?:--)?["']?([\w.-]+)["']?\s*(?:[:=]|\s)\s*["']?([^"'#,\n]+?)["']?\s*,?\s*(?:\#.*)?$""")
_PARENT = re.compile(r"""^\s*(?:-\s+)?["']?([\w.-]+)["']?\s*:\s*(?:\#.*)?$""")  # YAML's key of what is indented below it
_FLAGS = re.compile(r"--([\w-]+)[= ]+([^\s-]\S*)")
_VALIDATION = re.compile(r"(?:^|[_.-])(?:valid|validation|val|dev|devel)(?=$|[_.-])", re.IGNORECASE)
_TEST = re.compile(r"(?:^|[_.-])(?:test|eval)(?=$|[_.-])", re.IGNORECASE)
_FILE = re.compile(r"[/\\]|\.\w+$|^<[\w.-]+>$|^!ref")
_CHOOSING = r"(?:monitor|metric_for_best_model|best_metric|early_stopping_metric|selection_metric|save_best_by|choose_by)"
_CHOICE = re.compile(rf"{_CHOOSING}$", re.IGNORECASE)
# The same inside a line: of YAML in braces, or of a program.
_CHOICE_WITHIN = re.compile(rf"""\b({_CHOOSING})["']?\s*[:=]\s*["']?([\w./-]+)""", re.IGNORECASE)
_MOST_LINES = 200_000  # of a log


def findings(path: Path) -> Iterator[Finding]:
    """Yields files that are validation and test at once, and choices by a figure of the test.

    Args:
        path: A configuration (YAML, JSON, INI, a command line) or a log that repeats it.

    Raises:
        SplitError: It cannot be read.
    """
    settings = list(dict.fromkeys(_settings(text_of(path))))  # a key may stand there for several things
    known = {key.rpartition(".")[2]: value for key, value in settings} | dict(settings)
    tests = {_value(value, known): key for key, value in settings if _TEST.search(key) and not _VALIDATION.search(key)}
    for key, value in settings:
        named = _value(value, known)
        if _VALIDATION.search(key) and not _TEST.search(key) and _FILE.search(named) and named in tests:
            text = f"the file {path} gives {key} and {tests[named]} the same data, {named}: what is chosen by the one is chosen on the test"
            yield Finding("selection", sentence(text), 1, (named,), parts=("validation", "test"))
        if _CHOICE.search(key) and re.match(r"test(?:$|[\W_])", value, re.IGNORECASE):
            text = f"the file {path} chooses the model by {key} = {value}, a figure of the test part"
            yield Finding("selection", sentence(text), 1, (value,), parts=("test",))


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """Keys, behind those that they stand under, and values."""
    try:
        yield from _flat(json.loads(text))
        return
    except (ValueError, RecursionError):
        pass  # anything else is read line by line
    above: list[tuple[int, str]] = []  # keys without a value that the line stands under, and how far each is indented
    for line in text.splitlines()[:_MOST_LINES]:
        yield from _FLAGS.findall(line)
        indent = len(line) - len(line.lstrip())
        if line.strip() and not line.lstrip().startswith("#"):
            above = [one for one in above if one[0] < indent]
        if parent := _PARENT.match(line):
            above.append((indent, parent[1]))
            continue
        whole = _SETTING.match(line)
        if whole:
            yield ".".join([*(key for _, key in above), whole[1]]), whole[2].strip()
        yield from ((found[1], found[2]) for found in _CHOICE_WITHIN.finditer(line) if not (whole and found[1] == whole[1]))


def _flat(found: Any, above: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(found, dict | list):
        for key, value in found.items() if isinstance(found, dict) else enumerate(found):
            yield from _flat(value, f"{above}.{key}" if above else str(key))
    elif isinstance(found, str):
        yield above, found


def _value(value: str, settings: Mapping[str, str]) -> str:
    """What HyperPyYAML's `!ref <name>` refers to, or the value itself; of a file the plain path."""
    found = re.fullmatch(r"!ref\s*<([\w.-]+)>", value)
    named = settings.get(found[1], value).strip() if found else value.removeprefix("!ref").strip()
    return posixpath.normpath(named) if named and not named.startswith("<") else named
