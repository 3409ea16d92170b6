"""The command that prepares a corpus: audio -> features -> one TFRecord a speaker, a manifest and the recipe.

    python -m data_prep.prepare emodb --source DIR [--data build/data] [--recipe paper] [--copies 8]

`<data>/<corpus>` (with another recipe than "paper", `<data>/<corpus>.<recipe>`) is a link to a folder named after what it was made from,
and is switched when that folder is complete: whoever reads sees the old set or the new one, never a mixture. Shards whose utterances
and recipe have not changed are kept.
"""

from __future__ import annotations

import csv
import glob
import io
import json
import logging
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import typer

from data_prep import command, degraded, loader, same_audio, shards
from ser_acrnn import __version__, files, locks
from ser_acrnn.cli.progress import Progress
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
        progress: Show how far it is, see `ser_acrnn.cli.progress`.
        about: What the loader says of its choices and counts; goes into the recipe.
        left_out: What the loader left out: dicts with `utterance` and `reason`; goes into the recipe.

    Returns:
        `<data>/<corpus>`, or `<data>/<corpus>.<recipe>` for another recipe than "paper"; `ser_acrnn.data.prepared.RecordCorpus` opens it.

    Raises:
        CorpusError: Unusable recordings, all of them named, or the same audio under two emotions; nothing was changed.
        LeakError: The same audio under two speakers, see `ser_acrnn.data.duplicates`; nothing was changed.
    """
    link = free_link(Path(data), corpus, config)
    facts = {"about": dict(about or {}), "left_out": [dict(item) for item in left_out]}
    with shards.workers(jobs) as run:
        utterances = check_utterances(utterances, corpus)
        groups = shards.sources(utterances, source, run)
        keys = {speaker: shards.key(group, config) for speaker, group in groups.items()}
        target = target_folder(link, corpus, keys, facts, skip_bad=skip_bad)
        if not is_published(link, target):
            rate = config.sampling_rate_hertz
            groups = shards.with_problems(groups, same_audio.problems(corpus, utterances, rate, run, skip_bad=skip_bad, progress=progress))
            keys = {speaker: shards.key(group, config) for speaker, group in groups.items()}
            target = target_folder(link, corpus, keys, facts, skip_bad=skip_bad)
        with _in_use(target):
            with Progress(sum(map(len, groups.values())), corpus, "utterances", shown=progress) as counted:
                entries = shards.complete(groups, keys, target, earlier(link), config, skip_bad=skip_bad, run=run, progress=counted)
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


def earlier(link: Path) -> list[Path]:
    """Folders of the same name whose shards may serve: the published one, and those of preparations that were refused or interrupted."""
    return [link, *_folders(link)]


def _folders(link: Path) -> list[Path]:
    """Folders that `target_folder` made, not those of a corpus whose name begins with this one's."""
    return sorted(link.parent.glob(f".{glob.escape(link.name)}-{'[0-9a-f]' * 16}"))


@contextmanager
def _in_use(target: Path) -> Iterator[None]:
    """While the block runs, no other preparation removes the folder; several may write there at once, all the same."""
    with ExitStack() as stack:
        with suppress(locks.LockedError):
            stack.enter_context(locks.lock(_lock_of(target)))
            stack.callback(_lock_of(target).unlink, missing_ok=True)
        yield


def _lock_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.lock")


def is_published(link: Path, target: Path) -> bool:
    """Whether the link leads to the folder already, so that what it is made from has been looked at."""
    return link.exists() and link.resolve() == target.resolve()


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
    _switch(link, target)
    for leftover in [*files.leftovers(target), *files.leftovers(link.parent, link.name)]:  # of a preparation that was killed
        leftover.unlink(missing_ok=True)


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
    if not is_published(link, target):
        with files.replacing(link) as fresh:
            fresh.symlink_to(target.name)
    for other in _folders(link):
        if other != target and not locks.is_locked(_lock_of(other)):
            shutil.rmtree(other)
            _lock_of(other).unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What every preparation is asked."""

    corpus: Annotated[str, typer.Argument(help=f"one of {', '.join(loader.names())}; --help after it shows its own options, too")]
    source: Annotated[Path, typer.Option(help="the corpus on disk")]
    data: Annotated[Path, typer.Option(help="folder of the prepared corpora")] = Path("build/data")
    recipe: Annotated[str, typer.Option(help=f"one or more, separated by commas, of {', '.join(sorted(RECIPES))}")] = "paper"
    copies: Annotated[int, typer.Option(min=0, help="prepare so many degraded copies of each recording instead, as <corpus>-degraded")] = 0
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="leave unusable recordings out")] = False

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.recipes) - set(RECIPES)):
            raise ValueError(f"--recipe is {self.recipe}, expected some of {', '.join(sorted(RECIPES))}, not {', '.join(unknown)}")

    @property
    def recipes(self) -> list[str]:
        """Names of the recipes."""
        return self.recipe.split(",")

    @property
    def leaves_out(self) -> bool:
        """Whether what cannot be used is left out: of degraded copies always, as one without speech says nothing against its recording."""
        return self.skip_bad or self.copies > 0

    @classmethod
    def extended(cls, words: Sequence[str]) -> type[Self]:
        """With the options of the corpus that a command line begins with.

        Raises:
            CorpusError: There is no such loader.
        """
        known = {one.name for one in fields(cls)}
        own = [] if not words or words[0].startswith("-") else [one for one in loader.choices(words[0]) if one[0] not in known]
        return make_dataclass(cls.__name__, own, bases=(cls,), frozen=True, kw_only=True)


def read(options: Preparation) -> loader.Reading:
    """Reads the corpus that the options name, and warns of counts that differ from the published ones."""
    chosen = {name: getattr(options, name, default) for name, _, default in loader.choices(options.corpus)}
    reading: loader.Reading = loader.find(options.corpus).read(options.source, **chosen)
    if reading.differences:
        more = len(reading.differences) - 10
        shown = [*reading.differences[:10], *([f"and {more} more"] if more > 0 else [])]
        logger.warning("%s: the counts differ from the published ones: %s", reading.name, "; ".join(shown))
    return degraded.copies(reading, options.copies) if options.copies else reading


def describe(link: Path) -> None:
    """Prints what has been prepared."""
    made = RecordCorpus(link)
    kept, left_out = len(made.manifest), len(made.recipe["left_out"])
    print(f"{link}: {kept} utterances of {len(made.speakers)} speakers, recipe {made.features.recipe_hash}, {left_out} left out")


@command.entry
def main(
    options: Preparation, jobs: Annotated[int, typer.Option(min=1, help="threads, which help where the corpus is slow to read")] = 1
) -> None:
    """Prepares a corpus by each recipe."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    reading = read(options)
    for recipe in options.recipes:
        link = prepare(
            reading.name,
            reading.utterances,
            options.data,
            RECIPES[recipe],
            source=options.source,
            skip_bad=options.leaves_out,
            jobs=jobs,
            progress=True,
            about=reading.about,
            left_out=reading.left_out,
        )
        describe(link)


if __name__ == "__main__":
    sys.exit(main())
