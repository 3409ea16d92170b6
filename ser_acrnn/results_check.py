"""What a result file must agree with beyond being one: its own name, its configuration, its corpus, and a fold of its protocol."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ser_acrnn.protocol import LEAVE_ONE_SPEAKER_OUT, Fold, grouping, leave_one_speaker_out
from ser_acrnn.recipes import hash_of
from ser_acrnn.results_manifest import Row

if TYPE_CHECKING:
    from ser_acrnn.dataset import PreparedCorpus


@dataclass(frozen=True)
class Split:
    """A corpus as a protocol splits it: what its results are of.

    Attributes:
        corpus: Its name; None where it may have any.
        protocol: See `ser_acrnn.protocol.PROTOCOLS`.
        emotion: Utterance -> its label.
        group: Utterance -> what the folds split by.
        folds: All that the protocol makes of the groups, in the form in which somebody validates, where there is one.
    """

    corpus: str | None
    protocol: str
    emotion: Mapping[str, str]
    group: Mapping[str, str]
    folds: Sequence[Fold]

    @classmethod
    def of(
        cls,
        corpus: str,
        protocol: str,
        rows: Sequence[Row],
        partner: Mapping[str, str] | None = None,
        groups: Mapping[str, str] | None = None,
    ) -> Self:
        """What a protocol makes of a manifest.

        Args:
            corpus: Its name.
            protocol: One of `ser_acrnn.protocol.PROTOCOLS`.
            rows: The manifest.
            partner: See `ser_acrnn.protocol.leave_one_speaker_out`.
            groups: See `ser_acrnn.protocol.grouping`.

        Raises:
            ValueError: The corpus cannot be split so, see `ser_acrnn.protocol.grouping`.
        """
        group = grouping(protocol, [(row.utterance, row.speaker, row.session) for row in rows], groups)
        folds = leave_one_speaker_out(group.values(), partner)
        return cls(corpus, protocol, {row.utterance: row.emotion for row in rows}, group, folds)

    @classmethod
    def of_prepared(cls, corpus: PreparedCorpus, protocol: str, folds: Sequence[Fold]) -> Self:
        """A prepared corpus, grouped by its protocol, and its folds."""
        names = corpus.manifest["utterance"]
        emotion, group = (dict(zip(names, values, strict=True)) for values in (corpus.manifest["emotion"], corpus.group))
        return cls(corpus.name, protocol, emotion, group, folds)

    @cached_property
    def members(self) -> dict[str, dict[str, str]]:
        """Group -> its utterances, each with its label."""
        found: dict[str, dict[str, str]] = {}
        for name, group in self.group.items():
            found.setdefault(group, {})[name] = self.emotion[name]
        return found


def of_folder(name: str) -> tuple[str, str]:
    """Corpus and protocol of a folder of results by its name: `emodb`, or `emodb.leaky-random`."""
    corpus, _, protocol = name.partition(".")
    return corpus, protocol or LEAVE_ONE_SPEAKER_OUT


def problems(fields: Mapping[str, Any], path: Path, split: Split | None) -> Iterator[str]:
    """Yields what is wrong with a result, each with value and expectation; nothing of one that can be what it says.

    Args:
        fields: Of `ser_acrnn.results.RunResult`.
        path: The file, `<system>/<test>-seed<N>.json`.
        split: What it should be of; without it neither the fold, nor which utterances there are, nor their labels can be checked.

    Raises:
        AttributeError, LookupError, TypeError: A field is not of its kind.
    """
    yield from _of_the_name(fields, path)
    yield from _of_the_configuration(fields)
    for name in ("utterances", "validation_utterances"):
        yield from _of_posteriors(name, fields[name], fields["emotions"])
    if split is not None:
        yield from _of_the_split(fields, split)


def _of_the_name(fields: Mapping[str, Any], path: Path) -> Iterator[str]:
    test, seed = fields["fold"]["test"], fields["seed"]
    if path.name != f"{test}-seed{seed}.json":
        yield f"fold.test is {test!r} and seed is {seed!r}, expected those of the file's name: <test>-seed<N>.json"
    if path.parent.name != fields["system"]:
        yield f"system is {fields['system']!r}, expected {path.parent.name!r}, its folder's name"


def _of_the_configuration(fields: Mapping[str, Any]) -> Iterator[str]:
    config, curve, epoch = fields["config"], fields["validation_curve"], fields["chosen_epoch"]
    if (expected := hash_of(config["features"])) != fields["recipe_hash"]:
        yield f"recipe_hash is {fields['recipe_hash']!r}, expected {expected!r}, the hash of config.features"
    if (emotions := config["model"]["emotions"]) != fields["emotions"]:
        yield f"emotions are {fields['emotions']}, expected {emotions}, those of config.model"
    if curve and epoch not in (epochs := [entry["epoch"] for entry in curve]):
        yield f"chosen_epoch is {epoch!r}, expected one of the curve's, {epochs[0]} to {epochs[-1]}"


def _of_posteriors(field: str, utterances: Sequence[Mapping[str, Any]], emotions: Sequence[str]) -> Iterator[str]:
    if field == "utterances" and not utterances:
        yield f"{field} is empty, expected those of the test part"
    seen = set()
    for utterance in utterances:
        name, posteriors = utterance["id"], utterance["posteriors"]
        if name in seen:
            yield f"{field}: {name} occurs twice, expected each utterance once"
        seen.add(name)
        if utterance["emotion"] not in emotions:
            yield f"{field}: {name} is {utterance['emotion']!r}, expected one of {emotions}"
        if len(posteriors) != len(emotions):
            yield f"{field}: {name} has {len(posteriors)} posteriors, expected {len(emotions)}, one an emotion"
        if not all(map(math.isfinite, posteriors)):
            yield f"{field}: {name} has the posteriors {posteriors}, expected finite numbers"


def _of_the_split(fields: Mapping[str, Any], split: Split) -> Iterator[str]:
    if split.corpus not in (None, fields["corpus"]):
        yield f"corpus is {fields['corpus']!r}, expected {split.corpus!r}"
    if fields["protocol"] != split.protocol:
        yield f"protocol is {fields['protocol']!r}, expected {split.protocol!r}"
    fold, everyone_trains = fields["fold"], fields["config"]["training"].get("train_on_validation", False)
    planned = (one.without_validation() if everyone_trains else one for one in split.folds if one.test == fold["test"])
    allowed = [{"train": list(one.train), "validation": one.validation, "test": one.test} for one in planned]
    if fold not in allowed:
        expected = " or ".join(map(str, allowed)) or f"one that tests some of {sorted({one.test for one in split.folds})}"
        yield f"fold is {fold}, expected {expected} under {split.protocol}"
    yield from _of_members("utterances", fields["utterances"], split.members.get(fold["test"], {}))
    if judged := fields["validation_utterances"]:
        yield from _of_members("validation_utterances", judged, split.members.get(fold["validation"], {}))


def _of_members(field: str, utterances: Iterable[Mapping[str, Any]], expected: Mapping[str, str]) -> Iterator[str]:
    found = {utterance["id"]: utterance["emotion"] for utterance in utterances}
    if strangers := sorted(found.keys() - expected.keys()):
        yield f"{field}: has {strangers[0]}, expected utterances of the fold's part alone"
    if absent := sorted(expected.keys() - found.keys()):
        yield f"{field}: lacks {absent[0]}, expected all {len(expected)} utterances of the fold's part"
    for name, emotion in found.items():
        if emotion != expected.get(name, emotion):
            yield f"{field}: {name} is {emotion!r}, expected {expected[name]!r} as the corpus has it"
