"""Training reads degraded copies beside their utterances, nobody else does, and an epoch stays as long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from short_corpus import EMOTIONS, FOLD, SMALL, SPEAKERS, ShortCorpus

from ser_acrnn.config import ConfigError
from ser_acrnn.data.prepared import DatasetError
from ser_acrnn.data.with_copies import with_copies
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.features.extraction import with_dynamics
from ser_acrnn.training import run as training

WITH_TWO = replace(SMALL, training=replace(SMALL.training, copies=2, epochs=2))


class Copies(ShortCorpus):
    """Of each utterance of a short corpus two copies, which are its features and something added."""

    def __init__(self, corpus: ShortCorpus, number: int = 2, features=SMALL.features) -> None:
        super().__init__(features=features)
        self.kept = {
            speaker: [
                (f"{name}+{copy}", emotion, with_dynamics(values[..., 0] + copy, features))
                for name, emotion, values in corpus.kept[speaker]
                for copy in range(1, number + 1)
            ]
            for speaker in SPEAKERS
        }
        rows = corpus.manifest.loc[corpus.manifest.index.repeat(number)].reset_index(drop=True)
        self.manifest = rows.assign(utterance=[name for speaker in SPEAKERS for name, _, _ in self.kept[speaker]])
        self.group = self.manifest["speaker"]
        self.name, self.recipe = "short-degraded", {**self.recipe, "about": {"copies": number}}


pytestmark = pytest.mark.usefixtures("shared_graphs")

CORPUS = ShortCorpus()
COPIES = Copies(CORPUS)


def test_utterances_come_first_and_their_copies_behind_them() -> None:
    both = with_copies(CORPUS, COPIES, 2)
    names = [name for name, _, _ in both.utterances(["a"])]
    assert names[:9] == [name for name, _, _ in CORPUS.utterances(["a"])]
    assert names[9:11] == ["a0+1", "a0+2"]
    assert len(names) == 27
    for name, _, values in both.utterances(["a", "b"]):
        np.testing.assert_array_equal(both.read(name), values)
    assert both.speakers_of(["a0+1", "b3"]) == ["a", "b"]
    np.testing.assert_array_equal(both.statistics(["a"])[0], CORPUS.statistics(["a"])[0])


def test_without_a_number_the_corpus_is_what_it_was() -> None:
    assert with_copies(CORPUS, None, None) is CORPUS
    assert with_copies(CORPUS, COPIES, None) is CORPUS


def test_checksums_change_with_the_copies() -> None:
    both = with_copies(CORPUS, COPIES, 2)
    assert both.checksums(["a"]) == CORPUS.checksums(["a"]) + COPIES.checksums(["a"])


def test_a_run_trains_on_copies_and_judges_and_validates_without() -> None:
    run = Run("short", "small", WITH_TWO, FOLD, 0)
    begun = training.begin(CORPUS, run, copies=COPIES)
    plain = training.begin(CORPUS, replace(run, preset=SMALL))
    assert len(begun.train.utterance_ids) == 3 * len(plain.train.utterance_ids)
    assert {name.split("+")[0] for name in begun.train.utterance_ids} == set(plain.train.utterance_ids)
    assert begun.validation is not None
    assert plain.validation is not None
    assert begun.validation.utterance_ids == plain.validation.utterance_ids
    assert begun.identity[0] != plain.identity[0]


def test_an_epoch_is_as_long_as_without_copies_and_learns_from_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_acrnn.training import devices

    lengths = {}
    step = devices.Learner.step
    for name, preset, copies in (("with", WITH_TWO, COPIES), ("without", replace(SMALL, training=replace(SMALL.training, epochs=2)), None)):
        seen: list[int] = []
        monkeypatch.setattr(devices.Learner, "step", lambda self, x, y, seen=seen: (seen.append(len(x)), step(self, x, y))[1])
        result, _ = training.run(CORPUS, Run("short", "small", preset, FOLD, 0), copies=copies)
        lengths[name] = len(seen)
        assert all("+" not in utterance["id"] for utterance in result.utterances + result.validation_utterances)
    assert lengths["with"] == lengths["without"]


def test_a_network_for_use_trains_on_copies_of_all() -> None:
    preset = replace(WITH_TWO, training=replace(WITH_TWO.training, epoch_choice="last", epochs=1))
    model = training.train_on_all(CORPUS, preset, 0, copies=COPIES)
    assert model.output_shape[-1] == len(EMOTIONS)
    with pytest.raises(DatasetError, match="no degraded copies"):
        training.train_on_all(CORPUS, preset, 0)


def test_copies_that_are_not_those_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"short: there are no degraded copies, expected 2"):
        with_copies(CORPUS, None, 2)
    with pytest.raises(DatasetError, match=r"short-degraded: holds 2 copies of each utterance, expected 3"):
        with_copies(CORPUS, COPIES, 3)
    other = replace(SMALL.features, delta_frames=1)
    with pytest.raises(DatasetError, match=f"expected {SMALL.features.recipe_hash}"):
        with_copies(CORPUS, Copies(CORPUS, features=other), 2)
    strange = Copies(CORPUS)
    strange.manifest = pd.concat([strange.manifest, strange.manifest.tail(1).assign(sha256="another")])
    strange.group = strange.manifest["speaker"]
    with pytest.raises(DatasetError, match="1 recordings that short lacks"):
        with_copies(CORPUS, strange, 2)
    partial = Copies(CORPUS)
    partial.manifest = partial.manifest[:-2]
    partial.group = partial.manifest["speaker"]
    with pytest.raises(DatasetError, match=r"has no copies of 1 of the \d+ recordings of short, such as .*, expected them of all"):
        with_copies(CORPUS, partial, 2)
    leaking = Copies(CORPUS)
    leaking.group = leaking.group.replace("a", "c")  # the copies of who is tested would train
    with pytest.raises(DatasetError, match="9 recordings that short lacks, or has in another group"):
        with_copies(CORPUS, leaking, 2)
    with pytest.raises(ConfigError, match="copies is 0, expected 1 or more"):
        replace(SMALL.training, copies=0)
