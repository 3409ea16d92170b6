"""By what a model is chosen, as the configuration or the log of its training says: not by the test part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ser_acrnn.auditing.files_of_splits import text_of
from ser_acrnn.auditing.findings import Finding, sentence

# `key: value`, `key = value`, `--key value` and JSON's `"key": "value"`, in whatever file they stand.
_SETTING = re.compile(r"""^\s*(?:--)?["']?([\w.-]+)["']?\s*(?:[:=]|\s)\s*["']?([^"'#,\n]+?)["']?\s*,?\s*(?:\#.*)?$""")
_FLAGS = re.compile(r"--([\w-]+)[= ]+([^\s-]\S*)")
_VALIDATION = re.compile(r"(?:^|[_.-])(?:valid|validation|val|dev|devel)(?=$|[_.-])", re.IGNORECASE)
_TEST = re.compile(r"(?:^|[_.-])(?:test|eval)(?=$|[_.-])", re.IGNORECASE)
_FILE = re.compile(r"[/\\]|\.\w+$|^<[\w.-]+>$|^!ref")
_CHOICE = re.compile(
    r"(?:monitor|metric_for_best_model|best_metric|early_stopping_metric|selection_metric|save_best_by|choose_by)$", re.IGNORECASE
)
_MOST_LINES = 200_000  # of a log


def findings(path: Path) -> Iterator[Finding]:
    """Yields files that are validation and test at once, and choices by a figure of the test.

    Args:
        path: A configuration (YAML, JSON, INI, a command line) or a log that repeats it.

    Raises:
        SplitError: It cannot be read.
    """
    settings = dict(_settings(text_of(path)))
    tests = {_value(value, settings): key for key, value in settings.items() if _TEST.search(key) and not _VALIDATION.search(key)}
    for key, value in settings.items():
        named = _value(value, settings)
        if _VALIDATION.search(key) and not _TEST.search(key) and _FILE.search(named) and named in tests:
            text = f"the file {path} gives {key} and {tests[named]} the same data, {named}: what is chosen by the one is chosen on the test"
            yield Finding("selection", sentence(text), 1, (named,), parts=("validation", "test"))
        if _CHOICE.search(key) and re.match(r"test(?:$|[\W_])", value, re.IGNORECASE):
            text = f"the file {path} chooses the model by {key} = {value}, a figure of the test part"
            yield Finding("selection", sentence(text), 1, (value,), parts=("test",))


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines()[:_MOST_LINES]:
        yield from _FLAGS.findall(line)
        if found := _SETTING.match(line):
            yield found[1], found[2].strip()


def _value(value: str, settings: dict[str, str]) -> str:
    """What HyperPyYAML's `!ref <name>` refers to, or the value itself."""
    found = re.fullmatch(r"!ref\s*<([\w.-]+)>", value)
    return settings.get(found[1], value).strip() if found else value.removeprefix("!ref").strip()
