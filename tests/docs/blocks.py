"""Blocks of code in Markdown: where they are, in which language, and what they say."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

_FENCED = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```[ ]*$", re.DOTALL | re.MULTILINE)
# Four spaces after an empty line, outside of lists: README and CONTRIBUTING have their commands so.
_INDENTED = re.compile(r"(?:(?<=\n\n)|^)(?:    \S.*\n(?:    .*\n|\n(?=    ))*)")
# An item of a list, to which indented lines belong.
_LIST = re.compile(r"^(?:[-*]|\d+\.) .*\n(?:(?:  .*|)\n)*\Z", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, `""` where none is named, its text, and its first line in the page."""

    language: str
    text: str
    line: int


def blocks(markdown: str) -> Iterator[Block]:
    """The blocks of a page in order; indented ones are of the language `bash`."""
    found = []
    blanked = markdown
    for match in _FENCED.finditer(markdown):
        found.append((match.start(), match["language"], textwrap.dedent(match["text"])))
        blanked = blanked.replace(match[0], re.sub(r"\S", "x", match[0]), 1)
    for match in _INDENTED.finditer(blanked):
        if not _LIST.search(blanked[: match.start()]):
            found.append((match.start(), "bash", textwrap.dedent(match[0])))
    for start, language, text in sorted(found):
        yield Block(language, text, markdown.count("\n", 0, start) + 1)


def commands(shell: str) -> Iterator[str]:
    """The commands of a block for the shell: continued lines joined, comments and empty lines left out."""
    for line in re.sub(r"\\\n\s*", "", shell).splitlines():
        if stripped := re.sub(r"(?:^|\s)#(?: .*|$)", "", line).strip():
            yield stripped
