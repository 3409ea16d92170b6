"""A prepared corpus as one fold may read it: no test speaker before the epoch is chosen, no statistics but of training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ser_acrnn.evaluation import protocol
from ser_acrnn.evaluation.protocol import Fold, LeakError


class FoldReader:
    """A prepared corpus as one fold may read it: the test part only after the epoch has been chosen, statistics of training alone.

    Args:
        corpus: A `ser_acrnn.data.prepared.PreparedCorpus`.
        fold: The split.
    """

    def __init__(self, corpus: Any, fold: Fold) -> None:
        self.name: str = corpus.name
        self.fold = fold
        self._corpus = corpus
        self._test_is_open = False

    def utterances(self, groups: Iterable[str]) -> Iterator[tuple[str, str, Any]]:
        """Yields name, emotion and features of each utterance of some groups.

        Raises:
            LeakError: The test part before `choose_epoch`, or what is not in the fold.
        """
        wanted = set(groups)
        self._refuse_closed(wanted)
        return self._corpus.utterances(wanted)

    def read(self, utterance: str) -> Any:
        """Reads the features of one utterance.

        Raises:
            LeakError: As of `utterances`, each time that it is read.
        """
        self._refuse_closed({self._groups[self._corpus.row(utterance)]})
        return self._corpus.read(utterance)

    @cached_property
    def _groups(self) -> list[str]:
        return list(self._corpus.group)

    def _refuse_closed(self, groups: set[str]) -> None:
        if self.fold.test in groups and not self._test_is_open:
            raise LeakError(f"{self.name}: the test part {self.fold.test!r} is read, expected the epoch to be chosen before")
        if strangers := sorted(groups - {*self.fold.heard, self.fold.test}):
            raise LeakError(f"{self.name}: {strangers} are read, expected parts of the fold with test {self.fold.test!r}")

    def statistics(self, groups: Iterable[str]) -> tuple[Any, Any]:
        """Mean and variance of the features of training groups.

        Raises:
            LeakError: Of anyone who does not train.
        """
        wanted = set(groups)
        if others := sorted(wanted - set(self.fold.train)):
            raise LeakError(f"{self.name}: statistics are fitted on {others} too, expected training speakers alone")
        return self._corpus.statistics(wanted)

    def speakers_of(self, utterances: Sequence[str]) -> list[str]:
        """Who speaks each of some utterances."""
        return self._corpus.speakers_of(utterances)

    def speaker_statistics(self, speaker: str) -> tuple[Any, Any]:
        """Mean and variance of all audio of a speaker.

        Raises:
            LeakError: Of a test speaker before `choose_epoch`, or of one who is not in the fold.
        """
        groups = self.fold.heard if not self._test_is_open else (*self.fold.heard, self.fold.test)
        known = set(self._corpus.manifest["speaker"][self._corpus.group.isin(groups)])
        if speaker not in known:
            raise LeakError(f"{self.name}: statistics of the speaker {speaker!r} are read, expected one of {sorted(known)}")
        return self._corpus.speaker_statistics(speaker)

    def choose_epoch(self, curve: Sequence[Mapping[str, Any]], choice: str = "validation") -> int:
        """Returns the `chosen_epoch` of the validation curve; from now on the test part can be read."""
        epoch = protocol.chosen_epoch(curve, choice)
        self._test_is_open = True
        return epoch
