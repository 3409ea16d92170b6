"""Degraded copies of a corpus's recordings, to train on: other pauses, rooms, noises, microphones, coders and levels.

A copy is made of its own recording alone, babble included: no copy of a training speaker holds the voice of the one who is tested.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from functools import lru_cache

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

from data_prep.loader import Reading
from ser_acrnn.data.corpus import Utterance

RATE_HERTZ = 16_000
ROOMS = 64  # that copies share: a room takes longer to simulate than a copy to be made
# Share of the copies that has each change.
PAUSE, ROOM, NOISE, MICROPHONE, CODER, LEVEL = 0.3, 0.4, 0.6, 0.5, 0.4, 0.5
SIGNAL_TO_NOISE_DECIBELS = (0.0, 35.0)
PAUSE_SECONDS = (0.1, 0.8)  # that are inserted, or that remain of a longer one
GAIN_DECIBELS = (-40.0, 0.0)  # of the highest sample below full scale
KNOT_DECIBELS = 8.0  # a microphone's gain is drawn at knots, within this about none
KNOTS_HERTZ = (30, 125, 250, 500, 1_000, 2_000, 4_000, 8_000)

Waveform = NDArray[np.float64]


def copies(reading: Reading, number: int) -> Reading:
    """The degraded copies of a corpus's utterances, as a corpus of their own that stands beside it.

    Args:
        reading: The corpus.
        number: Copies of each utterance.

    Returns:
        The corpus `<name>-degraded`; the utterances are named `<utterance>+1` and so on.
    """
    utterances = [replace(one, id=copy_name(one.id, copy), copy=copy) for one in reading.utterances for copy in range(1, number + 1)]
    return replace(reading, name=degraded_name(reading.name), utterances=utterances, about={**reading.about, "copies": number})


def degraded_name(corpus: str) -> str:
    """Name of the corpus that holds the degraded copies of a corpus."""
    return f"{corpus}-degraded"


def copy_name(utterance: str, copy: int) -> str:
    """Name of a degraded copy of an utterance."""
    return f"{utterance}+{copy}"


def degrade(waveform: NDArray[np.float32], utterance: Utterance) -> NDArray[np.float32]:
    """The degraded copy that an utterance is: the same whenever it is made.

    Args:
        waveform: The recording, 16 kHz, shape `(samples,)`.
        utterance: Its name draws what is done.

    Returns:
        Shape `(samples,)`, somewhat more or fewer of them, in steps of 16 bits.
    """
    rng = np.random.default_rng(zlib.crc32(utterance.id.encode()))
    sound = np.asarray(waveform, np.float64)
    if not np.any(sound):
        return waveform  # silence is refused where it is prepared
    for share, change in ((PAUSE, _other_pause), (ROOM, _in_room), (NOISE, _with_noise), (MICROPHONE, _by_microphone), (CODER, _coded)):
        if rng.random() < share:
            sound = change(sound, rng)
    peak = 10 ** (rng.uniform(*GAIN_DECIBELS) / 20) if rng.random() < LEVEL else 0.9
    sound = np.clip(sound * peak / np.abs(sound).max(), -1, 1)
    return (np.round(sound * 32_767) / 32_768).astype(np.float32)


def _other_pause(sound: Waveform, rng: np.random.Generator) -> Waveform:
    """Where it is quietest inside, the recording gets a pause of its own quiet, or loses one."""
    frame = RATE_HERTZ // 50
    levels = np.sqrt((sound[: len(sound) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1))
    inner = np.arange(len(levels) // 5, len(levels) - len(levels) // 5)
    if not len(inner):
        return sound
    place = inner[levels[inner].argmin()]
    samples = round(rng.uniform(*PAUSE_SECONDS) * RATE_HERTZ)
    first = last = place
    while first > 0 and levels[first - 1] < 1.5 * levels[place]:
        first -= 1
    while last + 1 < len(levels) and levels[last + 1] < 1.5 * levels[place]:
        last += 1
    start, end = first * frame, (last + 1) * frame
    return np.concatenate([sound[:start], np.resize(sound[start:end], samples), sound[end:]])


def _in_room(sound: Waveform, rng: np.random.Generator) -> Waveform:
    return signal.fftconvolve(sound, _room(int(rng.integers(ROOMS))))[: len(sound)]


@lru_cache(maxsize=ROOMS)
def _room(number: int) -> Waveform:
    """From a mouth to a microphone in a box of drawn size and walls, by the image source method (pyroomacoustics), direct sound first."""
    import pyroomacoustics

    rng = np.random.default_rng([number, ROOMS])
    size = rng.uniform((2.5, 2.5, 2.2), (9, 7, 3.5))
    absorption = rng.uniform(0.15, 0.7)
    order = min(40, int(np.ceil(np.log(1e-4) / np.log(1 - absorption))))  # until a sound has lost 40 dB
    room = pyroomacoustics.ShoeBox(size, RATE_HERTZ, materials=pyroomacoustics.Material(absorption), max_order=order)
    mouth, ear = rng.uniform(0.4, size - 0.4, (2, 3))
    room.add_source(mouth)
    room.add_microphone(mouth + rng.uniform(0.1, 1) * (ear - mouth))
    room.compute_rir()
    response = np.asarray(room.rir[0][0], np.float64)
    return response[max(0, int(np.abs(response).argmax()) - 8) :]


def _with_noise(sound: Waveform, rng: np.random.Generator) -> Waveform:
    """White to brown noise, steady or swelling; hum of the mains; or the recording itself as many voices, backwards and at other rates."""
    kind = rng.choice(["steady", "swelling", "hum", "babble"])
    noise = {"hum": _hum, "babble": _babble}.get(kind, _coloured)(sound, rng)
    if kind == "swelling":
        knots = rng.uniform(-15, 0, 2 + len(sound) // RATE_HERTZ * 2)
        noise = noise * 10 ** (np.interp(np.linspace(0, len(knots) - 1, len(sound)), np.arange(len(knots)), knots) / 20)
    level = np.sqrt(np.mean(sound**2) / (np.mean(noise**2) or np.inf)) * 10 ** (-rng.uniform(*SIGNAL_TO_NOISE_DECIBELS) / 20)
    return sound + level * noise


def _coloured(sound: Waveform, rng: np.random.Generator) -> Waveform:
    frequency = np.maximum(np.fft.rfftfreq(len(sound), 1 / RATE_HERTZ), 30)
    return np.fft.irfft(np.fft.rfft(rng.standard_normal(len(sound))) * frequency ** -rng.uniform(0, 1), len(sound))


def _hum(sound: Waveform, rng: np.random.Generator) -> Waveform:
    time, mains = np.arange(len(sound)) / RATE_HERTZ, rng.choice([50.0, 60.0])
    harmonics = np.arange(1, 12)
    strengths = rng.uniform(0, 1, len(harmonics)) / harmonics ** rng.uniform(0.3, 1.5)
    phases = rng.uniform(0, 2 * np.pi, len(harmonics))
    return np.sin(2 * np.pi * mains * harmonics[:, None] * time + phases[:, None]).T @ strengths


def _babble(sound: Waveform, rng: np.random.Generator) -> Waveform:
    total = np.zeros(len(sound))
    for _ in range(8):
        places = np.arange(0, len(sound) - 1, rng.uniform(0.8, 1.25))
        voice = np.interp(places, np.arange(len(sound)), sound)[::-1]
        total += np.roll(np.resize(voice, len(sound)), rng.integers(len(sound)))
    return total


def _by_microphone(sound: Waveform, rng: np.random.Generator) -> Waveform:
    """A smooth gain over frequency, and often no lows."""
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE_HERTZ)
    knots = rng.uniform(-KNOT_DECIBELS, KNOT_DECIBELS, len(KNOTS_HERTZ))
    gain = np.interp(np.log(np.maximum(frequency, KNOTS_HERTZ[0])), np.log(KNOTS_HERTZ), knots)
    if rng.random() < 0.5:  # 12 dB an octave
        gain = gain - 40 * np.log10(np.maximum(1, rng.uniform(60, 250) / np.maximum(frequency, 1)))
    return np.fft.irfft(np.fft.rfft(sound) * 10 ** (gain / 20), len(sound))


def _coded(sound: Waveform, rng: np.random.Generator) -> Waveform:
    """Through the telephone (ITU-T G.711), a narrow band, MP3 or Opus, and back."""
    sound = 0.9 * sound / np.abs(sound).max()
    way = rng.choice(["telephone", "band", "MP3", "Opus"])
    if way in ("telephone", "band"):
        edges = (rng.uniform(80, 350), rng.uniform(3_000, 3_800 if way == "telephone" else 7_000))
        sound = signal.sosfilt(signal.butter(4, edges, "bandpass", fs=RATE_HERTZ, output="sos"), sound)
    if way == "telephone":
        narrow = _through_file(signal.resample_poly(sound, 1, 2), RATE_HERTZ // 2, format="WAV", subtype=str(rng.choice(["ULAW", "ALAW"])))
        return signal.resample_poly(narrow, 2, 1)[: len(sound)]
    if way == "MP3":
        level = rng.uniform(0.5, 0.98)  # of compression
        return _through_file(sound, RATE_HERTZ, format="MP3", subtype="MPEG_LAYER_III", compression_level=level, bitrate_mode="CONSTANT")
    return _through_file(sound, RATE_HERTZ, format="OGG", subtype="OPUS", compression_level=rng.uniform(0.5, 1)) if way == "Opus" else sound


def _through_file(samples: Waveform, rate_hertz: int, **file: object) -> Waveform:
    """Coded and decoded again, in memory."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hertz, **file)
    buffer.seek(0)
    return soundfile.read(buffer, dtype="float64")[0]
