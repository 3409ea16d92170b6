"""MkDocs' events: pages that are generated or stand outside `docs/` become part of the site, and links between them hold."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from mkdocs.structure.files import File, Files

from docs.hooks import (
    api_pages,
    command_page,
    durations,
    links,
    notebook_pages,
    planted_table,
    readme_blocks,
    results_list,
    runs_table,
    sources,
    speed_table,
    systems_page,
    targets_page,
)
from docs.hooks.sources import ROOT

# Marks in pages, and what makes what stands in their place.
GENERATED: dict[str, Callable[[], str]] = {
    systems_page.MARK: systems_page.table,
    speed_table.TABLE: speed_table.table,
    speed_table.RECORDS: speed_table.records,
    results_list.MARK: results_list.listed,
    durations.MARK: durations.table,
    planted_table.MARK: planted_table.table,
    **{mark: partial(runs_table.table, paths) for mark, paths in runs_table.TABLES.items()},
}
REPOSITORY_URL = os.environ.get("REPO_URL", "")


def on_files(files: Files, config: Any) -> Files:
    """Adds the generated pages, those outside `docs/`, and their pictures."""
    origin = {f"docs/{file.src_uri}": file.src_uri for file in files}  # path in the repository -> path below docs/
    generated = {command_page.URI: command_page.page(), targets_page.URI: targets_page.page(), **api_pages.pages()}
    for uri, text in generated.items():
        files.append(File.generated(config, uri, content=text))
    inside = [(path, (ROOT / path).read_text(encoding="utf-8")) for path in origin if path.endswith(".md")]
    pictures = sources.outside_pictures(inside)
    for path, uri in sources.pages().items():
        text, own = _page(path, uri)
        for name, data in own.items():
            files.append(File.generated(config, name, content=data))
        files.append(File.generated(config, uri, content=text))
        origin[path] = uri
        pictures |= dict(sources.pictures(path, uri, text))
    for path, uri in pictures.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
        origin[path] = uri
    config["extra"]["origin"] = {**origin, **sources.STANDS_ON}
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Fills in what is generated, and turns the repository's links into the site's."""
    site = config["extra"]["origin"]
    uri = page.file.src_uri
    path = next((path for path, place in site.items() if place == uri and path not in sources.STANDS_ON), f"docs/{uri}")
    markdown = readme_blocks.inserted(markdown)
    for mark, made in GENERATED.items():
        if mark in markdown:
            markdown = markdown.replace(mark, made())
    return links.rewritten(markdown, path, uri, site, REPOSITORY_URL)


def _page(path: str, uri: str) -> tuple[str, dict[str, bytes]]:
    """The Markdown of a page outside `docs/`, and pictures that are made with it, by their paths below `docs/`."""
    if not path.endswith(".ipynb"):
        return (ROOT / path).read_text(encoding="utf-8"), {}
    text, pictures = notebook_pages.as_markdown(ROOT / path, path)
    folder = uri.rpartition("/")[0]
    return text, {f"{folder}/{name}": data for name, data in pictures.items()}
