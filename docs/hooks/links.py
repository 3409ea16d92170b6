"""Links of a page as the repository has them -> links of the site."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from docs.hooks.sources import ROOT, normal

LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]\((?P<target>[^()\s]+)\)")
FENCED = re.compile(r"(^ *(?:```|~~~).*?^ *(?:```|~~~)[ ]*$)", re.DOTALL | re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#|/")


def rewritten(markdown: str, page: str, uri: str, site: Mapping[str, str], repository_url: str = "", root: Path = ROOT) -> str:
    """A page's Markdown with the links of the site.

    What is linked in the repository and is a page or picture of the site is linked there. Any other file or folder of the repository is
    linked where it is published, if that is known, and is plain text otherwise. What does not exist is left as it is, for MkDocs to find.

    Args:
        markdown: Of the page.
        page: Its path in the repository.
        uri: Its path below `docs/`.
        site: Path in the repository -> path below `docs/`, of all that the site has.
        repository_url: Where files are published, such as `https://github.com/owner/name`.
        root: Of the repository.
    """

    def link(match: re.Match[str]) -> str:
        if ELSEWHERE.match(match["target"]):
            return match[0]
        path, hash_sign, anchor = match["target"].partition("#")
        place = normal(PurePosixPath(page).parent / path)
        if place in site:
            return f"{match['image']}[{match['text']}]({_relative(site[place], uri)}{hash_sign}{anchor})"
        if not (root / place).exists() or place.startswith(("docs/", "..")):
            return match[0]
        if repository_url:
            return f"{match['image']}[{match['text']}]({repository_url.rstrip('/')}/blob/HEAD/{place}{hash_sign}{anchor})"
        return match["text"]

    pieces = FENCED.split(markdown)
    return "".join(piece if number % 2 else LINK.sub(link, piece) for number, piece in enumerate(pieces))


def _relative(target: str, uri: str) -> str:
    return posixpath.relpath(target, posixpath.dirname(uri) or ".")
