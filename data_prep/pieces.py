"""A corpus prepared in pieces: lists of whole speakers, each prepared by a process of its own, anywhere, and put together at the end.

Pieces work in `<data>/.<corpus>.pieces`. A piece is a file that lists its recordings, with size and time of change, and is named after
what it lists: once its outcome is beside it, it need not be prepared again, and what was changed meanwhile is another piece. A piece
that is killed keeps its complete shards. The prepared corpus is byte for byte the one that `data_prep.prepare` makes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from data_prep import prepare, same_audio, shards
from ser_acrnn import __version__, files
from ser_acrnn.cli.progress import Progress
from ser_acrnn.config.features import RECIPES
from ser_acrnn.data import tfrecords
from ser_acrnn.data.corpus import CorpusError, Utterance, check_utterances


@dataclass(frozen=True)
class Piece:
    """Some speakers of a corpus: the file that lists their recordings, what these amount to, and whether unusable ones are left out."""

    file: Path
    bytes: int
    skip_bad: bool

    @property
    def outcome(self) -> Path:
        """The file that is there once the piece is prepared: each speaker's key, and what is wrong with the speaker's recordings."""
        return outcome_file(self.file)

    def is_prepared(self) -> bool:
        """Whether the outcome is there, with its shards unless it refuses the corpus; one that is damaged or without them is removed."""
        if not self.outcome.exists():
            return False
        with suppress(AttributeError, LookupError, TypeError, ValueError):  # damaged
            outcome = _read(self.outcome)
            if not self.skip_bad and any(fact["left_out"] for fact in outcome.values()):
                return True
            entries = {speaker: self.file.parent / shards.entry_name(speaker) for speaker in outcome}
            if all(entry.exists() and _read(entry)["key"] == outcome[speaker]["key"] for speaker, entry in entries.items()):
                return True
        self.outcome.unlink()
        return False


@dataclass(frozen=True)
class Recording:
    """A recording as a piece lists it."""

    utterance: Utterance
    bytes: int
    changed: int

    @classmethod
    def of(cls, utterance: Utterance) -> Recording:
        """Looks at the file; one that is not there is listed as empty, and told of by the preparation."""
        try:
            stat = utterance.path.stat()
        except OSError:
            return cls(utterance, 0, 0)
        return cls(utterance, stat.st_size, stat.st_mtime_ns)


def plan(
    corpus: str, utterances: Iterable[Utterance], data: Path, recipe: str, number: int, *, source: Path, skip_bad: bool
) -> list[Piece]:
    """Divides a corpus into pieces of about the same size, and writes their lists.

    Args:
        corpus: The corpus's name.
        utterances: As a loader gives them.
        data: Folder of the prepared corpora.
        recipe: Name of the feature recipe.
        number: The number of pieces; fewer where there are fewer speakers.
        source: Folder that the manifest's paths are relative to.
        skip_bad: Leave unusable recordings out, instead of refusing the corpus.

    Raises:
        CorpusError: The corpus cannot be judged speaker-independently, has the same audio under two emotions, or its place is taken.
        LeakError: The same audio is there under two speakers.
    """
    link = prepare.free_link(data, corpus, RECIPES[recipe])
    utterances = check_utterances(utterances, corpus)
    with shards.workers(1) as run:  # a piece does not hear the other pieces' speakers
        problems = same_audio.problems(corpus, utterances, RECIPES[recipe].sampling_rate_hertz, run, skip_bad=skip_bad)
    recordings = [Recording.of(utterance) for utterance in utterances]
    speakers = {speaker: list(group) for speaker, group in groupby(recordings, key=lambda recording: recording.utterance.speaker)}
    folder = _folder(link)
    folder.mkdir(parents=True, exist_ok=True)
    pieces = []
    for names in files.balanced({speaker: sum(one.bytes for one in group) for speaker, group in speakers.items()}, number):
        mine = [recording for speaker in names for recording in speakers[speaker]]
        rows = [{**asdict(one.utterance), "path": str(one.utterance.path), "bytes": one.bytes, "changed": one.changed} for one in mine]
        own = {one.utterance.id: problems[one.utterance.id] for one in mine if one.utterance.id in problems}
        facts = {"version": __version__, "recipe": recipe, "link": str(link), "source": str(source), "skip_bad": skip_bad}
        facts |= {"problems": own} if own else {}
        text = json.dumps({**facts, "recordings": rows}, indent=1)
        piece = Piece(folder / f"piece-{files.sha256_of(text)[:16]}.json", sum(one.bytes for one in mine), skip_bad)
        files.write_text(piece.file, text)
        pieces.append(piece)
    return pieces


def prepare_piece(file: Path, jobs: int = 1) -> None:
    """Prepares a piece, and leaves its outcome.

    Args:
        file: The piece's list, from `plan`.
        jobs: Threads, see `shards.workers`.
    """
    listed = _read(file)
    config, skip_bad = RECIPES[listed["recipe"]], listed["skip_bad"]
    names = ("id", "speaker", "emotion", "session", "copy")
    utterances = [Utterance(path=Path(row["path"]), **{name: row[name] for name in names}) for row in listed["recordings"]]
    with shards.workers(jobs) as run:
        groups = shards.with_problems(shards.sources(utterances, listed["source"], run), listed.get("problems", {}))
        keys = {speaker: shards.key(group, config) for speaker, group in groups.items()}
        with Progress(len(utterances), file.stem, "utterances") as progress:
            entries = shards.complete(
                groups, keys, file.parent, prepare.earlier(Path(listed["link"])), config, skip_bad=skip_bad, run=run, progress=progress
            )
    outcome = {speaker: {"key": entry["key"], "left_out": entry["left_out"]} for speaker, entry in entries.items()}
    files.write_text(outcome_file(file), json.dumps(outcome, indent=1))


def assemble(
    corpus: str,
    pieces: Sequence[Piece],
    data: Path,
    recipe: str,
    *,
    skip_bad: bool,
    about: Mapping[str, Any],
    left_out: Sequence[Mapping[str, str]],
) -> Path:
    """Puts the prepared pieces of a corpus together, as `prepare.prepare` does; the arguments are as there.

    Returns:
        The prepared corpus.

    Raises:
        CorpusError: Unusable recordings, those of all pieces named, and nothing was changed; or a shard is damaged.
    """
    config = RECIPES[recipe]
    link = prepare.free_link(data, corpus, config)
    folder = _folder(link)
    outcome = dict(sorted((speaker, fact) for piece in pieces for speaker, fact in _read(piece.outcome).items()))
    if not skip_bad:
        prepare.refuse(corpus, [item["reason"] for fact in outcome.values() for item in fact["left_out"]])
    facts = {"about": dict(about), "left_out": [dict(item) for item in left_out]}
    keys = {speaker: fact["key"] for speaker, fact in outcome.items()}
    target = prepare.target_folder(link, corpus, keys, facts, skip_bad=skip_bad)
    entries = {}
    for speaker in keys:
        entry = shards.existing(speaker, keys[speaker], target, folder)
        if entry is None:
            shard = folder / tfrecords.shard_name(speaker)
            raise CorpusError(f"{shard}: is damaged, expected the shard of a prepared piece; remove {folder} and give the command again")
        entries[speaker] = entry
    prepare.publish(corpus, config, entries, link, target, facts)
    shutil.rmtree(folder)
    return link


def _folder(link: Path) -> Path:
    return link.with_name(f".{link.name}.pieces")


def outcome_file(file: Path) -> Path:
    """Where the outcome of a listed piece is."""
    return file.with_suffix(".outcome.json")


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
