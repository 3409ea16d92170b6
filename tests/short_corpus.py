"""A corpus of five speakers in memory, a network small enough for it, and what tests of runs do with both."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd

from ser_acrnn.config import DnnElmConfig, DnnElmPreset, FeatureConfig, FrameConfig, ModelConfig, Preset, TrainConfig
from ser_acrnn.data import tfrecords
from ser_acrnn.data.prepared import MANIFEST, RECIPE, PreparedCorpus
from ser_acrnn.data.segments import load_segments
from ser_acrnn.evaluation import protocol
from ser_acrnn.evaluation.identity import Run
from ser_acrnn.features.extraction import segments_of, with_dynamics
from ser_acrnn.training import run as training

EMOTIONS = ("angry", "sad", "happy")
SPEAKERS = ("a", "b", "c", "d", "e")
FOLD = protocol.Fold(train=("c", "d", "e"), validation="b", test="a")
BETWEEN = protocol.Fold(train=("a", "c", "e"), validation="b", test="d")  # who is tested lies between voices that train: no luck is needed
SMALL = Preset(
    FeatureConfig(mels=8, segment_seconds=0.4),
    ModelConfig(
        emotions=EMOTIONS,
        conv=((4, 2, 2),),
        linear_units=8,
        blstm_units=4,
        embedding_units=8,
        dropout=0.3,
        segment_frames=40,
        mels=8,
    ),
    TrainConfig(batch_size=16, learning_rate=0.01, epochs=5, patience=20, training_hop_seconds=0.2, precision="float32"),
)
BASELINE = DnnElmPreset(
    FrameConfig(mels=8, cepstra=5),
    DnnElmConfig(
        emotions=EMOTIONS,
        context_frames=5,
        loudest_share=0.5,
        hidden_units=(16,),
        elm_widths=(10, 20),
        elm_ridges=(0.1, 1.0),
    ),
    TrainConfig(batch_size=32, learning_rate=0.01, epochs=3, patience=20, precision="float32"),
)


class ShortCorpus(PreparedCorpus):
    """Five speakers of nine utterances in memory, 0.2 to 1 s, whose emotions tilt the spectrum and whose speakers shift it.

    Args:
        noise: Speakers whose features are replaced by noise that says nothing about emotions.
        features: The recipe, of either kind, with eight static coefficients.
        emotions: Of each speaker.
    """

    def __init__(self, noise=(), features=SMALL.features, emotions=EMOTIONS):
        self.log = []
        self.kept = {speaker: [] for speaker in SPEAKERS}
        for index, speaker in enumerate(SPEAKERS):
            rng = np.random.default_rng(index)
            for number, emotion in enumerate(emotions * 3):
                frames = int(rng.integers(20, 100))
                tilt = np.linspace(-1, 1, 8) * (emotions.index(emotion) - 1)
                static = rng.normal(-8 + index + 2 * tilt, 1, (frames, 8))
                if speaker in noise:
                    static = 50 + 20 * np.random.default_rng(number).normal(size=(frames, 8))
                self.kept[speaker].append((f"{speaker}{number}", emotion, with_dynamics(static, features)))
        rows = [
            (name, speaker, emotion, hashlib.sha256(values.tobytes()).hexdigest())
            for speaker in SPEAKERS
            for name, emotion, values in self.kept[speaker]
        ]
        recipe = {"corpus": "short", "features": features.to_dict(), "recipe_hash": features.recipe_hash}
        super().__init__(
            pd.DataFrame(rows, columns=["utterance", "speaker", "emotion", "sha256"]),
            {**recipe, "speakers": {speaker: self.sums(speaker) for speaker in SPEAKERS}},
        )

    def frames(self, speakers):
        return np.concatenate([features for speaker in speakers for _, _, features in self.kept[speaker]])

    def sums(self, speaker):
        frames = self.frames([speaker]).astype("float64")
        return {
            "frames": len(frames),
            "sum": frames.sum(axis=0).tolist(),
            "sum_of_squares": (frames**2).sum(axis=0).tolist(),
            "shard_sha256": hashlib.sha256(frames.tobytes()).hexdigest(),
        }

    def utterances(self, speakers):
        for speaker in sorted(set(speakers)):
            self.note(f"read {speaker}")
            yield from self.kept[speaker]

    def read(self, utterance):
        self.note(f"read {utterance[0]}")
        return next(values for name, _, values in self.kept[utterance[0]] if name == utterance)

    def note(self, words):
        """Logs what is not the last thing that was logged."""
        if self.log[-1:] != [words]:
            self.log.append(words)


def as_records(corpus, folder):
    """Writes a corpus as its prepared folder; returns it."""
    folder.mkdir(exist_ok=True)
    segments = [segments_of(values, corpus.features) for _, _, values in corpus.utterances(SPEAKERS)]
    corpus.manifest.assign(session="", path="", seconds=0, segments=segments).to_csv(folder / MANIFEST, index=False)
    (folder / RECIPE).write_text(json.dumps(corpus.recipe))
    for speaker, kept in corpus.kept.items():
        common = {"speaker": speaker, "session": "", "sha256": "", "recipe": corpus.features.recipe_hash}
        tfrecords.write_shard(
            folder / tfrecords.shard_name(speaker),
            [
                {**common, "utterance": name, "emotion": emotion, "frames": len(values), "features": values}
                for name, emotion, values in kept
            ],
        )
    return folder


def train(corpus=None, preset=SMALL, seed=0, fold=FOLD, **arguments):
    return training.run(ShortCorpus() if corpus is None else corpus, Run("short", "small", preset, fold, seed), **arguments)


def changed(**values):
    return replace(SMALL, training=replace(SMALL.training, **values))


def posteriors(result):
    return np.array([utterance["posteriors"] for utterance in result.utterances])


def check_same_run(one, other):
    (result, model), (expected, network) = one, other
    assert result.validation_curve == expected.validation_curve
    assert result.utterances == expected.utterances
    for weight, value in zip(model.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)
    assert replace(result, wall_seconds=0) == replace(expected, wall_seconds=0)


def score(model, corpus, speaker):
    """Labels and maxima over segments, without the code under test."""
    segments = load_segments(corpus, [speaker], EMOTIONS)
    values = np.asarray(model(segments.features))
    maxima = [values[segments.utterance == number].max(axis=0) for number in range(len(segments.utterance_ids))]
    return segments.utterance_labels, np.array(maxima), values[np.arange(len(values)), segments.labels]


class InterruptError(Exception):
    pass


def interrupt_after(epoch):
    def on_epoch(entry):
        if entry["epoch"] == epoch:
            raise InterruptError

    return on_epoch
