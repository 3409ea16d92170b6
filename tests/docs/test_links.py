"""Every link of README and the pages leads to something that is there, anchors too."""

from __future__ import annotations

import pydoc
import re
from functools import cache
from pathlib import PurePosixPath

import pytest

from docs.hooks import api_pages, command_page, systems_page, targets_page
from docs.hooks.links import ELSEWHERE, FENCED, LINK, rewritten
from docs.hooks.sources import ROOT, normal

FOLDERS = ("docs", "results", "ser_acrnn")
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PAGES += [path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.md"))]


@cache
def generated() -> dict[str, str]:
    """Pages that exist on the site alone, by the paths that they would have in the repository."""
    made = {command_page.URI: command_page.page(), targets_page.URI: targets_page.page(), **api_pages.pages()}
    return {f"docs/{uri}": text for uri, text in made.items()}


@cache
def anchors(page: str) -> frozenset[str]:
    """Of a page's headings, as MkDocs and GitHub both make them of plain words; a second one of a kind gets a number."""
    text = generated()[page] if page in generated() else (ROOT / page).read_text(encoding="utf-8")
    found: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.MULTILINE):
        words = re.sub(r"&lt;|&gt;|[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
        found.append(re.sub(r"\s+", "-", words.strip()))
    return frozenset(found)


def broken(markdown: str, page: str) -> list[str]:
    """Links of a page that lead nowhere."""
    problems = []
    for match in LINK.finditer(FENCED.sub("", markdown)):
        target = match["target"]
        if ELSEWHERE.match(target) and not target.startswith("#"):
            continue
        path, _, anchor = target.partition("#")
        place = normal(PurePosixPath(page).parent / path) if path else page
        if place not in generated() and not (ROOT / place).exists():
            problems.append(f"{target}: no such file")
        elif anchor and anchor not in anchors(place):
            problems.append(f"{target}: no such heading")
    return problems


@pytest.mark.parametrize("page", PAGES)
def test_the_links_of_a_page(page):
    assert broken((ROOT / page).read_text(encoding="utf-8"), page) == []


def test_broken_links_are_found():
    page = "docs/start/questions.md"
    right_ones = ("install.md", "../results/emodb.md#worse-recordings", "../reference/command.md#predict", "#when-in-the-recording")
    for right in (*right_ones, "https://nowhere.example"):
        assert broken(f"[a]({right})", page) == []
    for wrong in ("instal.md", "../results/emodb.md#better-recordings", "../reference/command.md#predicted", "#nothing", "../../no.md"):
        assert len(broken(f"Text [of\ntwo lines]({wrong})", page)) == 1
    assert broken("```\n[a](b)\n```\n", page) == []


# Written by hand; what was true of results when they were committed may name files that have moved since.
WRITTEN = [page for page in PAGES if page.startswith(("README", "CONTRIBUTING", "docs/"))]
FOLDER = "ser_acrnn|data_prep|experiments|docs|tests|results|notebooks"


@pytest.mark.parametrize("page", WRITTEN)
def test_files_and_names_that_a_page_mentions_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    paths = [path for path in re.findall(rf"`((?:{FOLDER})/[^`\s]*)`", text) if not set(path) & set("*<[{")]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    names = re.findall(r"`((?:ser_acrnn|data_prep|experiments)(?:\.\w+)+)(?:\([^`]*\))?`", text)
    assert [name for name in names if pydoc.locate(name) is None] == []


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:")[1]
    inside = [path.removeprefix("docs/") for path in PAGES if path.startswith("docs/")]
    for uri in [*inside, *(path.removeprefix("docs/") for path in generated())]:
        assert f" {uri}\n" in navigation, f"{uri} is not in mkdocs.yml's nav"
    assert systems_page.MARK in (ROOT / "docs/reference/glossary.md").read_text(encoding="utf-8")


def test_links_of_the_repository_become_links_of_the_site():
    site = {"docs/a/b.md": "a/b.md", "results/emodb/report.md": "results/emodb/report.md", "x.png": "assets/x.png", "docs/c.md": "c.md"}

    def link(target, url=""):
        return rewritten(f"[t]({target})", "docs/a/b.md", "a/b.md", site, url)

    assert link("../../results/emodb/report.md#all") == "[t](../results/emodb/report.md#all)"
    assert link("../../x.png") == "[t](../assets/x.png)"
    assert link("../c.md") == "[t](../c.md)"
    assert link("../../Makefile") == "t"
    assert link("../../Makefile", "https://host/owner/name/") == "[t](https://host/owner/name/blob/HEAD/Makefile)"
    for unchanged in ("nothing.md", "https://host/x", "#part", "../../nothing.md"):
        assert link(unchanged) == f"[t]({unchanged})"
    assert rewritten("```\n[t](../../x.png)\n```", "docs/a/b.md", "a/b.md", site) == "```\n[t](../../x.png)\n```"
