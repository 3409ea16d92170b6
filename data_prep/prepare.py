"""The command that prepares a corpus: audio -> features -> one TFRecord a speaker, a manifest and the recipe.

    python -m data_prep.prepare emodb --source DIR [--data build/data] [--recipe paper]

`<data>/<corpus>` (with another recipe than "paper", `<data>/<corpus>.<recipe>`) is a link to a folder named after what it was made from,
and is switched when that folder is complete: whoever reads sees the old set or the new one, never a mixture. Shards whose utterances
and recipe have not changed are kept.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from data_prep import loader
from ser_acrnn import __version__, audio, extraction, tfrecords
from ser_acrnn.corpus import CorpusError, Utterance, check_utterances
from ser_acrnn.dataset import MANIFEST, RECIPE, RecordCorpus, prepared_name
from ser_acrnn.recipes import RECIPES, FeatureConfig, Recipe

logger = logging.getLogger(__name__)

MANIFEST_COLUMNS = ("utterance", "speaker", "session", "emotion", "path", "sha256", "seconds", "segments")


@dataclass(frozen=True)
class _Source:
    """An utterance with its path as the manifest shows it and its audio's checksum, or with what is wrong with it."""

    utterance: Utterance
    shown: str
    sha256: str
    problem: str = ""


def prepare(
    corpus: str,
    utterances: Sequence[Utterance],
    data: str | Path,
    config: Recipe = FeatureConfig(),
    *,
    source: str | Path | None = None,
    skip_bad: bool = False,
    jobs: int | None = None,
    progress: bool = False,
    about: Mapping[str, Any] | None = None,
    left_out: Sequence[Mapping[str, str]] = (),
) -> Path:
    """Prepares a corpus, doing again only what is missing or has changed.

    Args:
        corpus: Its name, and that of its folder.
        utterances: As a loader of `data_prep` gives them.
        data: Folder of the prepared corpora.
        config: The feature recipe.
        source: Folder that the manifest's paths are relative to; without it they stand as they are.
        skip_bad: Leave unusable recordings out and list them in the recipe, instead of refusing the corpus.
        jobs: Threads; as many as there are processors without it.
        progress: Show a progress bar.
        about: What the loader says of its choices and counts; goes into the recipe.
        left_out: What the loader left out: dicts with `utterance` and `reason`; goes into the recipe.

    Returns:
        `<data>/<corpus>`, or `<data>/<corpus>.<recipe>` for another recipe than "paper"; `ser_acrnn.dataset.RecordCorpus` opens it.

    Raises:
        CorpusError: Unusable recordings, all of them named; nothing was changed.
    """
    link = Path(data) / prepared_name(corpus, config)
    loader_facts = {"about": dict(about or {}), "left_out": [dict(item) for item in left_out]}
    if link.exists() and not link.is_symlink():
        raise CorpusError(f"{link}: is not a prepared corpus's link, expected to be free to write there; move it away")
    with _workers(jobs) as run:
        sources = list(run(_checksum, [(utterance, source) for utterance in check_utterances(utterances, corpus)]))
        shards = {speaker: list(group) for speaker, group in groupby(sources, key=lambda source: source.utterance.speaker)}
        keys = {speaker: _key(group, config) for speaker, group in shards.items()}
        name = hashlib.sha256(json.dumps([corpus, skip_bad, __version__, loader_facts, sorted(keys.items())]).encode()).hexdigest()[:16]
        target = link.parent / f".{link.name}-{name}"
        target.mkdir(parents=True, exist_ok=True)
        problems: list[str] = []
        entries = {}
        with tqdm(total=len(sources), desc=corpus, unit=" utterances", disable=not progress) as bar:
            for speaker, group in shards.items():
                entry = _existing(speaker, keys[speaker], target, link)
                if entry is None or (entry["left_out"] and not skip_bad):
                    entry = _build_shard(speaker, keys[speaker], group, target, config, skip_bad, run, problems, bar)
                else:
                    bar.update(len(group))
                entries[speaker] = entry
    if problems and not skip_bad:
        raise CorpusError(
            f"{corpus}: {len(problems)} unusable recording(s), expected none (--skip-bad leaves them out):\n" + "\n".join(problems)
        )
    if not any(entry["utterances"] for entry in entries.values()):
        raise CorpusError(f"{corpus}: no usable recording is left")
    _write_tables(corpus, config, entries, target, loader_facts)
    _switch(link, target)
    return link


def _build_shard(
    speaker: str,
    key: str,
    group: list[_Source],
    target: Path,
    config: Recipe,
    skip_bad: bool,
    run: Any,
    problems: list[str],
    bar: tqdm,
) -> dict[str, Any]:
    """Computes one speaker's features and writes shard and entry; writes nothing once a problem is known that refuses the corpus."""
    records, rows, left_out = [], [], []
    total, squares, frames = np.zeros(config.shape), np.zeros(config.shape), 0
    for source, (problem, values, seconds) in zip(group, run(_extract, [(source, config) for source in group]), strict=True):
        bar.update()
        utterance = source.utterance
        if problem:
            problems.append(problem)
            left_out.append({"utterance": utterance.id, "reason": problem})
            continue
        wide = values.astype(np.float64)
        total, squares, frames = total + wide.sum(axis=0), squares + (wide**2).sum(axis=0), frames + len(values)
        fields = {"utterance": utterance.id, "speaker": speaker, "session": utterance.session, "emotion": utterance.emotion}
        records.append({**fields, "sha256": source.sha256, "recipe": config.recipe_hash, "frames": len(values), "features": values})
        segments = extraction.segments_of(values, config)
        rows.append({**fields, "path": source.shown, "sha256": source.sha256, "seconds": round(seconds, 4), "segments": segments})
    entry = {
        "key": key,
        "frames": frames,
        "sum": total.tolist(),
        "sum_of_squares": squares.tolist(),
        "utterances": rows,
        "left_out": left_out,
    }
    if problems and not skip_bad:
        return entry
    shard = target / tfrecords.shard_name(speaker)
    tfrecords.write_shard(shard, records)
    entry["sha256"] = _sha256(shard)
    _write_atomically(target / _entry_name(speaker), json.dumps(entry))
    return entry


def _existing(speaker: str, key: str, target: Path, link: Path) -> dict[str, Any] | None:
    """The entry of a shard that needs no work: one in the new folder, or one of the current set, which is then linked into the new."""
    for folder in (target, link):
        entry_path, shard = folder / _entry_name(speaker), folder / tfrecords.shard_name(speaker)
        if not (entry_path.is_file() and shard.is_file()):
            continue
        try:
            entry = json.loads(entry_path.read_text(encoding="utf-8"))
        except ValueError:  # damaged: the shard is made again
            continue
        if entry["key"] != key or entry["sha256"] != _sha256(shard):
            continue
        if folder == link:
            for path in (shard, entry_path):
                (target / path.name).unlink(missing_ok=True)
                os.link(path.resolve(), target / path.name)
        return entry
    return None


def _write_tables(corpus: str, config: Recipe, entries: dict[str, dict[str, Any]], target: Path, loader_facts: dict[str, Any]) -> None:
    rows = [row for entry in entries.values() for row in entry["utterances"]]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, MANIFEST_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write_atomically(target / MANIFEST, stream.getvalue())
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
        "about": loader_facts["about"],
        "left_out": loader_facts["left_out"] + [item for entry in entries.values() for item in entry["left_out"]],
    }
    _write_atomically(target / RECIPE, json.dumps(recipe, indent=1))


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


def _key(group: list[_Source], config: Recipe) -> str:
    """Changes with whatever a shard is computed from."""
    facts = [[item.utterance.id, item.utterance.emotion, item.utterance.session, item.shown, item.sha256] for item in group]
    return hashlib.sha256(json.dumps([__version__, config.recipe_hash, facts]).encode()).hexdigest()


def _checksum(task: tuple[Utterance, str | Path | None]) -> _Source:
    utterance, root = task
    shown = str(utterance.path) if root is None else os.path.relpath(utterance.path, root)
    try:
        return _Source(utterance, shown, _sha256(utterance.path))
    except OSError as error:
        return _Source(utterance, shown, "", f"{utterance.path}: cannot be read ({error.strerror})")


def _extract(task: tuple[_Source, Recipe]) -> tuple[str, NDArray[np.float32], float]:
    source, config = task
    nothing = np.zeros((0, *config.shape), np.float32)
    if source.problem:
        return source.problem, nothing, 0.0
    try:
        waveform = audio.load(source.utterance.path, config.sampling_rate_hertz)
    except audio.AudioError as error:
        return str(error), nothing, 0.0
    return "", extraction.extract(waveform, config), len(waveform) / config.sampling_rate_hertz


@contextmanager
def _workers(jobs: int | None) -> Iterator[Any]:
    """Yields an ordered parallel map.

    Threads: what takes time, reading, transforms and products, lets others run meanwhile, and handing the features from one process to
    another would take longer than computing them.
    """
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1:
        yield map
        return
    with ThreadPoolExecutor(jobs) as pool:
        yield pool.map


def _entry_name(speaker: str) -> str:
    return f"speaker-{speaker}.json"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_atomically(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m data_prep.prepare", description=str(__doc__).split("\n\n")[0], add_help=False)
    parser.add_argument("corpus", nargs="?", help=f"one of {', '.join(loader.names())}")
    source = parser.add_argument("--source", type=Path, help="the corpus on disk")
    parser.add_argument("--data", type=Path, default=Path("build/data"), help="folder of the prepared corpora (default: %(default)s)")
    names = ", ".join(sorted(RECIPES))
    parser.add_argument("--recipe", default="paper", help=f"one or more, separated by commas, of {names} (default: %(default)s)")
    parser.add_argument("--skip-bad", action="store_true", help="leave unusable recordings out")
    parser.add_argument("--jobs", type=int, help="threads (default: one a processor)")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        # Help and the required source wait for the loader's own arguments.
        named = parser.parse_known_args(arguments)[0].corpus
        corpus = loader.add_arguments(named, parser) if named else None
        parser.add_argument("-h", "--help", action="help", help="show this help; after the corpus also its own arguments")
        source.required = True
        options = parser.parse_args(arguments)
        recipes = options.recipe.split(",")
        if corpus is None:
            parser.error("the corpus is missing")
        if unknown := sorted(set(recipes) - set(RECIPES)):
            parser.error(f"--recipe is {options.recipe}, expected some of {names}, not {', '.join(unknown)}")
        reading = corpus.read(options.source, options)
        if reading.differences:
            more = len(reading.differences) - 10
            shown = [*reading.differences[:10], *([f"and {more} more"] if more > 0 else [])]
            logger.warning("%s: the counts differ from the published ones: %s", reading.name, "; ".join(shown))
        for recipe in recipes:
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
            _describe(link)
    except (CorpusError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _describe(link: Path) -> None:
    made = RecordCorpus(link)
    kept, left_out = len(made.manifest), len(made.recipe["left_out"])
    print(f"{link}: {kept} utterances of {len(made.speakers)} speakers, recipe {made.features.recipe_hash}, {left_out} left out")


if __name__ == "__main__":
    sys.exit(main())
