"""The command that prepares a corpus: audio -> features -> one TFRecord a speaker, a manifest and the recipe.

    python -m data_prep.prepare emodb --source DIR [--data build/data] [--recipe paper]

`<data>/<corpus>` (with another recipe than "paper", `<data>/<corpus>.<recipe>`) is a link to a folder named after what it was made from,
and is switched when that folder is complete: whoever reads sees the old set or the new one, never a mixture. Shards whose utterances
and recipe have not changed are kept.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import logging
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from data_prep import loader, shards
from ser_acrnn import __version__, files
from ser_acrnn.config.features import RECIPES, FeatureConfig, Recipe
from ser_acrnn.data.corpus import CorpusError, Utterance, check_utterances
from ser_acrnn.data.prepared import MANIFEST, RECIPE, RecordCorpus, prepared_name

logger = logging.getLogger(__name__)

MANIFEST_COLUMNS = ("utterance", "speaker", "session", "emotion", "path", "sha256", "seconds", "segments")


def prepare(
    corpus: str,
    utterances: Sequence[Utterance],
    data: str | Path,
    config: Recipe = FeatureConfig(),
    *,
    source: str | Path | None = None,
    skip_bad: bool = False,
    jobs: int = 1,
    progress: bool = False,
    about: Mapping[str, Any] | None = None,
    left_out: Sequence[Mapping[str, str]] = (),
) -> Path:
    """Prepares a corpus, doing again only what is missing or has changed.

    Args:
        corpus: The name of the corpus and of its folder.
        utterances: As a loader of `data_prep` gives them.
        data: Folder of the prepared corpora.
        config: The feature recipe.
        source: Folder that the manifest's paths are relative to; without it they stand as they are.
        skip_bad: Leave unusable recordings out and list them in the recipe, instead of refusing the corpus.
        jobs: Threads, see `shards.workers`.
        progress: Show a progress bar.
        about: What the loader says of its choices and counts; goes into the recipe.
        left_out: What the loader left out: dicts with `utterance` and `reason`; goes into the recipe.

    Returns:
        `<data>/<corpus>`, or `<data>/<corpus>.<recipe>` for another recipe than "paper"; `ser_acrnn.data.prepared.RecordCorpus` opens it.

    Raises:
        CorpusError: Unusable recordings, all of them named; nothing was changed.
    """
    link = free_link(Path(data), corpus, config)
    facts = {"about": dict(about or {}), "left_out": [dict(item) for item in left_out]}
    with shards.workers(jobs) as run:
        groups = shards.sources(check_utterances(utterances, corpus), source, run)
        keys = {speaker: shards.key(group, config) for speaker, group in groups.items()}
        target = target_folder(link, corpus, keys, facts, skip_bad=skip_bad)
        with tqdm(total=sum(map(len, groups.values())), desc=corpus, unit=" utterances", disable=not progress) as bar:
            entries = shards.complete(groups, keys, target, link, config, skip_bad=skip_bad, run=run, bar=bar)
    if not skip_bad:
        refuse(corpus, [item["reason"] for entry in entries.values() for item in entry["left_out"]])
    publish(corpus, config, entries, link, target, facts)
    return link


def free_link(data: Path, corpus: str, config: Recipe) -> Path:
    """The link to a prepared corpus.

    Raises:
        CorpusError: Something else stands there.
    """
    link = data / prepared_name(corpus, config)
    if link.exists() and not link.is_symlink():
        raise CorpusError(f"{link}: is not a prepared corpus's link, expected to be free to write there; move it away")
    return link


def target_folder(link: Path, corpus: str, keys: Mapping[str, str], facts: Mapping[str, Any], *, skip_bad: bool) -> Path:
    """Makes the folder that the link will lead to; its name tells what it is made from."""
    name = files.sha256_of(json.dumps([corpus, skip_bad, __version__, facts, sorted(keys.items())]))[:16]
    target = link.parent / f".{link.name}-{name}"
    target.mkdir(parents=True, exist_ok=True)
    return target


def refuse(corpus: str, problems: Sequence[str]) -> None:
    """Refuses a corpus with problems.

    Raises:
        CorpusError: There are some; the message lists all of them.
    """
    if problems:
        raise CorpusError(
            f"{corpus}: {len(problems)} unusable recording(s), expected none (--skip-bad leaves them out):\n" + "\n".join(problems)
        )


def publish(corpus: str, config: Recipe, entries: Mapping[str, shards.Entry], link: Path, target: Path, facts: Mapping[str, Any]) -> None:
    """Writes the tables beside the shards of a folder, and points the link at it.

    Raises:
        CorpusError: No utterance is left.
    """
    if not any(entry["utterances"] for entry in entries.values()):
        raise CorpusError(f"{corpus}: no usable recording is left")
    _write_tables(corpus, config, entries, target, facts)
    for leftover in target.glob(f"*{files.PARTIAL}"):  # of a preparation that was killed
        leftover.unlink()
    _switch(link, target)


def _write_tables(corpus: str, config: Recipe, entries: Mapping[str, shards.Entry], target: Path, facts: Mapping[str, Any]) -> None:
    rows = [row for entry in entries.values() for row in entry["utterances"]]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, MANIFEST_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_text(target / MANIFEST, stream.getvalue())
    speakers = {
        speaker: {"shard_sha256": entry["sha256"], **{name: entry[name] for name in ("frames", "sum", "sum_of_squares")}}
        for speaker, entry in entries.items()
        if entry["utterances"]
    }
    recipe = {
        "corpus": corpus,
        "version": __version__,
        "recipe_hash": config.recipe_hash,
        "features": config.to_dict(),
        "speakers": speakers,
        "about": facts["about"],
        "left_out": facts["left_out"] + [item for entry in entries.values() for item in entry["left_out"]],
    }
    files.write_text(target / RECIPE, json.dumps(recipe, indent=1))


def _switch(link: Path, target: Path) -> None:
    """Points `<data>/<corpus>` at the complete folder in one step, then removes the folders that it no longer needs."""
    if not link.exists() or link.resolve() != target.resolve():
        fresh = link.with_name(f".{link.name}.link")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target.name)
        os.replace(fresh, link)
    for other in link.parent.glob(f".{link.name}-{'[0-9a-f]' * 16}"):  # not those of a corpus whose name begins with this one's
        if other != target:
            shutil.rmtree(other)


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> tuple[ModuleType, argparse.Namespace]:
    """Adds what every preparation is asked to the arguments of a command, and reads the command line.

    Args:
        parser: With `add_help=False`: help waits for the loader's own arguments.
        arguments: The command line; this process's without it.

    Returns:
        The loader and the options; `recipe` is a list of names.

    Raises:
        CorpusError: There is no such loader.
    """
    parser.add_argument("corpus", nargs="?", help=f"one of {', '.join(loader.names())}")
    source = parser.add_argument("--source", type=Path, help="the corpus on disk")
    parser.add_argument("--data", type=Path, default=Path("build/data"), help="folder of the prepared corpora (default: %(default)s)")
    names = ", ".join(sorted(RECIPES))
    parser.add_argument("--recipe", default="paper", help=f"one or more, separated by commas, of {names} (default: %(default)s)")
    parser.add_argument("--skip-bad", action="store_true", help="leave unusable recordings out")
    named = parser.parse_known_args(arguments)[0].corpus
    corpus = loader.add_arguments(named, parser) if named else None
    parser.add_argument("-h", "--help", action="help", help="show this help; after the corpus also its own arguments")
    source.required = True
    options = parser.parse_args(arguments)
    if corpus is None:
        parser.error("the corpus is missing")
    recipes = options.recipe.split(",")
    if unknown := sorted(set(recipes) - set(RECIPES)):
        parser.error(f"--recipe is {options.recipe}, expected some of {names}, not {', '.join(unknown)}")
    options.recipe = recipes
    return corpus, options


def read(corpus: ModuleType, options: argparse.Namespace) -> loader.Reading:
    """Reads the corpus that the options name, and warns of counts that differ from the published ones."""
    reading: loader.Reading = corpus.read(options.source, options)
    if reading.differences:
        more = len(reading.differences) - 10
        shown = [*reading.differences[:10], *([f"and {more} more"] if more > 0 else [])]
        logger.warning("%s: the counts differ from the published ones: %s", reading.name, "; ".join(shown))
    return reading


def describe(link: Path) -> None:
    """Prints what has been prepared."""
    made = RecordCorpus(link)
    kept, left_out = len(made.manifest), len(made.recipe["left_out"])
    print(f"{link}: {kept} utterances of {len(made.speakers)} speakers, recipe {made.features.recipe_hash}, {left_out} left out")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m data_prep.prepare", description=str(__doc__).split("\n\n")[0], add_help=False)
    parser.add_argument("--jobs", type=int, default=1, help="threads, which help where the corpus is slow to read (default: %(default)s)")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        corpus, options = parse(parser, arguments)
        reading = read(corpus, options)
        for recipe in options.recipe:
            link = prepare(
                reading.name,
                reading.utterances,
                options.data,
                RECIPES[recipe],
                source=options.source,
                skip_bad=options.skip_bad,
                jobs=options.jobs,
                progress=True,
                about=reading.about,
                left_out=reading.left_out,
            )
            describe(link)
    except (CorpusError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
