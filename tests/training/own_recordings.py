"""Recordings of one's own, small networks to begin with, and the command that trains on both."""

import csv
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile

from ser_acrnn import cli
from ser_acrnn.training import finetuning

SMALL = {"conv": ((4, 4, 4),), "linear_units": 8, "blstm_units": 4, "embedding_units": 8}


def write_corpus(folder, speakers=4, emotions=("calm", "tense"), each=3):
    """Low tones and high ones that swell three times, by speakers of different pitch, and their CSV."""
    rng, rows = np.random.default_rng(0), []
    for speaker in range(speakers):
        for number in range(each * len(emotions)):
            emotion = emotions[number % len(emotions)]
            hertz = (200 + 10 * speaker) * 8 ** emotions.index(emotion)
            time = np.arange(16_000) / 16_000
            tone = np.sin(3 * np.pi * time) ** 2 * (np.sin(2 * np.pi * hertz * time) + 0.1 * rng.normal(size=16_000))
            name = f"s{speaker}-{number}.wav"
            soundfile.write(folder / name, 0.1 * tone, 16_000)
            rows.append([name, f"s{speaker}", emotion])
    with (folder / "mine.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["path", "speaker", "emotion"], *rows])
    return folder / "mine.csv"


def run(*words):
    return cli.main([str(word) for word in words])


@contextmanager
def one_stage():
    """Fine-tunes everything at once: compiling the step for each stage takes longer than these trainings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetuning, "_STAGES", finetuning._STAGES[-1:])
        yield
