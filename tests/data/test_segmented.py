"""Segments as utterances of their own: the same frames under names of their own, and parts that utterances are torn between."""

from dataclasses import replace

import numpy as np
import pytest
from short_corpus import BASELINE, EMOTIONS, SMALL, ShortCorpus

from ser_acrnn.data.grouped import GroupedCorpus
from ser_acrnn.data.prepared import DatasetError
from ser_acrnn.data.segmented import SegmentedCorpus
from ser_acrnn.data.segments import load_segments
from ser_acrnn.evaluation import protocol
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.features.log_mels import segment
from ser_acrnn.training import run as training

pytestmark = pytest.mark.stochastic


def counted(**arguments):
    corpus = ShortCorpus(**arguments)
    lengths = {name: len(segment(values, SMALL.features)) for speaker in corpus.kept for name, _, values in corpus.kept[speaker]}
    corpus.manifest["segments"] = corpus.manifest["utterance"].map(lengths)
    return corpus


def test_every_segment_is_there_once_under_a_name_of_its_own():
    corpus = counted()
    cut = SegmentedCorpus(corpus)
    whole, pieces = (load_segments(one, ["a", "c"], EMOTIONS) for one in (corpus, cut))
    np.testing.assert_array_equal(pieces.features, whole.features)
    np.testing.assert_array_equal(pieces.labels, whole.labels)
    assert len(pieces.utterance_ids) == len(whole.labels) > len(whole.utterance_ids)
    assert set(cut.manifest["utterance"]) == {name for name, _, _ in cut.utterances(cut.speakers)}
    assert cut.manifest["sha256"].is_unique
    assert cut.speakers_of(["a0#0"]) == ["a"]


def test_random_parts_of_segments_tear_utterances_and_only_this_protocol_trains_on_them():
    cut = SegmentedCorpus(counted())
    rows = cut.manifest.assign(session="")[["utterance", "speaker", "session"]].itertuples(index=False)
    parts = GroupedCorpus(cut, protocol.grouping(protocol.LEAKY_SEGMENTS, rows))
    torn = parts.manifest.assign(part=parts.group, whole=parts.manifest["utterance"].str.partition("#")[0])
    assert (torn.groupby("whole")["part"].nunique() > 1).any()
    fold = protocol.leave_one_speaker_out(parts.groups)[0]
    preset = replace(SMALL, training=replace(SMALL.training, epochs=1))
    result, _ = training.run(parts, Run("short", "small", preset, fold, 0, protocol.LEAKY_SEGMENTS))
    assert result.protocol == "leaky-segments" and all("#" in utterance["id"] for utterance in result.utterances)
    with pytest.raises(protocol.LeakError, match="the same speaker"):
        training.run(parts, Run("short", "small", preset, fold, 0))


def test_frames_of_the_baseline_are_refused():
    with pytest.raises(DatasetError, match="expected log-Mels to cut"):
        SegmentedCorpus(ShortCorpus(features=BASELINE.features))
