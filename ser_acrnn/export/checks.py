"""What an exported file is compared on: segments or sounds made up, or recordings, and what its network says of these."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from ser_acrnn.audio.windows import windows
from ser_acrnn.evaluation import metrics
from ser_acrnn.features.normalisation import Statistics
from ser_acrnn.inference.batching import segment_posteriors
from ser_acrnn.inference.predictor import Predictor

SYNTHETIC_SEGMENTS = SYNTHETIC_WAVEFORMS = 100  # so that one decision may differ after int8
RATE_HERTZ = 16_000


def utterance_posteriors(
    speaker: Statistics | None, network: keras.Model, waveforms: Sequence[NDArray[np.float32]], batch_size: int = 40
) -> NDArray[np.float32]:
    """What `Predictor.predict` says of each waveform as an utterance, the segments of all in common batches.

    Args:
        speaker: See `waveform_model`.
        network: A network of segments.
        waveforms: Shape `(samples,)` each, mono at the network's rate.
        batch_size: Segments at a time.

    Returns:
        Shape `(waveforms, emotions)`, each row summing to one.

    Raises:
        AudioError: A waveform is empty, silent, or holds a non-finite sample.
    """
    predictor = Predictor(network)
    predictor.preprocessor.speaker = speaker
    cut = [predictor.preprocessor.segments(waveform, predictor.preprocessor.features.sampling_rate_hertz) for waveform in waveforms]
    owners = np.repeat(np.arange(len(cut)), [len(segments) for segments in cut])
    plain = keras.Model(network.input, network.output)  # it refuses no segments, as `Predictor` does not: these are what it needs
    maxima = metrics.utterance_posteriors(segment_posteriors(plain, np.concatenate(cut), batch_size), owners)
    return maxima / maxima.sum(axis=1, keepdims=True)


def pieces(recordings: Iterable[NDArray[np.float32]], length: int | None = None, *, filled: bool = True) -> list[NDArray[np.float32]]:
    """Recordings as a file takes them.

    Args:
        recordings: Shape `(samples,)` each.
        length: Samples that each piece has; without it the recordings stay as they are.
        filled: Whether a shorter recording is completed with zeros.

    Returns:
        Pieces one after another, a recording's last ending with it. Silent ones are left out.

    Raises:
        ValueError: Nothing is left.
    """
    waveforms = [np.asarray(recording, np.float32) for recording in recordings]
    if length is not None:
        cut = [piece for waveform in waveforms for _, piece in windows([waveform], length, length)]
        waveforms = [np.pad(piece, (0, length - len(piece))) if filled else piece for piece in cut]
    heard = [waveform for waveform in waveforms if waveform.size and np.ptp(waveform) != 0]
    if not heard:
        raise ValueError(f"there are {len(waveforms)} recordings, none with a signal; expected one or more to compare on")
    return heard


def synthetic_segments(model: keras.Model, count: int = SYNTHETIC_SEGMENTS, seed: int = 0) -> NDArray[np.float32]:
    """Segments in the units of a network's features: waves over time and mels, each segment at a loudness of its own.

    Args:
        model: A network of `ser_acrnn.models.networks`.
        count: How many.
        seed: What the waves are drawn by.

    Returns:
        Shape `(count, frames, mels, channels)`; the first without padding, the second nothing else, the others with some at the end.
    """
    frames, mels, channels = model.input_shape[1:]
    normalise = model.get_layer("normalise")
    mean, variance = (np.asarray(keras.ops.convert_to_numpy(values)) for values in (normalise.mean, normalise.variance))
    random = np.random.default_rng(seed)

    def waves(most_cycles: float, size: int) -> NDArray:
        cycles, phase = random.uniform(0, most_cycles, (count, 4, channels, 1)), random.random((count, 4, channels, 1))
        return np.cos(2 * math.pi * (cycles * np.linspace(0, 1, size) + phase))

    shapes = np.einsum("nwct,nwcm->ntmc", waves(12, frames), waves(3, mels))
    loudness, noise = random.normal(size=(count, 1, 1, channels)), 0.3 * random.normal(size=shapes.shape)
    segments = mean + np.sqrt(variance) * (shapes + loudness + noise)
    lengths = random.integers(1, frames, count)
    lengths[:2] = (frames, 0)[:count]
    segments[np.arange(frames) >= lengths[:, None]] = 0
    return segments.astype(np.float32)


def synthetic_waveforms(count: int = SYNTHETIC_WAVEFORMS, seed: int = 0) -> list[NDArray[np.float32]]:
    """Sounds that change as speech does: gliding harmonics in syllables, noise, pauses; 0.5 s to 5 s in 16 bits at 16 kHz.

    Args:
        count: How many.
        seed: What the sounds are drawn by.

    Returns:
        Shape `(samples,)` each.
    """
    random = np.random.default_rng(seed)
    sounds = []
    for _ in range(count):
        time = np.arange(round(RATE_HERTZ * random.uniform(0.5, 5))) / RATE_HERTZ
        pitch_hertz = random.uniform(80, 300) * (1 + 0.2 * np.sin(2 * np.pi * random.uniform(0.3, 2) * time))
        phase = 2 * np.pi * np.cumsum(pitch_hertz) / RATE_HERTZ
        tilt = random.uniform(0.5, 2)
        voice = sum(np.sin(harmonic * phase + random.uniform(0, 6)) / harmonic**tilt for harmonic in range(1, 20))
        syllables = np.maximum(np.sin(2 * np.pi * random.uniform(1.5, 4) * time + random.uniform(0, 6)), 0)
        noise = random.normal(size=time.size) * 10 ** random.uniform(-4, -1)
        wave = voice * syllables + noise
        wave *= 10 ** random.uniform(-2, 0) / np.abs(wave).max()
        sounds.append((np.round(wave * 32_767) / 32_768).astype(np.float32))
    return sounds
