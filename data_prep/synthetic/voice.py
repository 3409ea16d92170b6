"""Source-filter voices: deterministic speech-like audio for demos and tests, from a transcription, a voice and a style.

A train of glottal pulses and noise goes through moving formants, as in a Klatt synthesiser; rhythm, melody and voice quality follow
a style, which stands for an emotion. The result resembles speech in what a recogniser of emotions looks at; it is no speech, and
nothing measured on it tells a recogniser's worth on recordings.

Reference: D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67(3), 1980.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal
from scipy.ndimage import gaussian_filter1d

from data_prep.synthetic.phones import Phone, Sound, parse_transcription
from data_prep.synthetic.style import Style, Variation, Voice

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SynthesisConfig:
    """What is the same for every voice, style and take. The numbers are ours, where phonetics leaves them open, by spectrogram.

    Attributes:
        sample_rate_hertz: Sampling rate.
        frame_samples: Step in which formants move, 5 ms.
        shortest_seconds: Shorter speech is slowed down; Emo-DB's files last 1.23 s to 8.98 s.
        longest_seconds: Longer speech is hurried.
        edge_seconds: Least and most silence before and after the speech.
        long_share: Factor on the length of a sound that `:` marks.
        stressed_share: Factor on the length of a stressed vowel.
        final_phones: Number of sounds that belong to the last syllables.
        final_seconds: Length of the final rise or fall of pitch.
        accent_seconds: Standard deviation of a pitch accent, a Gaussian in time.
        pauses: Least and most pauses between words, where there are so many words.
        formant_seconds: Standard deviation of the kernel that turns formant targets into movements.
        upper_formants_hertz: The formants above those of the phones, for the reference tract.
        bandwidths_hertz: Bandwidths of all formants.
        open_share: Share of a pitch period during which the glottis is open.
        closed_breath_share: Aspiration noise while it is closed, relative to the most.
        tilt_hertz: Where `tilt_decibels` of a voice is measured.
        least_tilt_decibels: No voice is brighter than that.
        noise_bands_hertz: Centres of the noise of consonants, for the reference tract; phones name one by its index.
        noise_quality: Centre over bandwidth of these.
        noise_gain: Level of the noise of consonants relative to the voice.
        room_pole: Pole of the low-pass filter that colours the room's noise.
    """

    sample_rate_hertz: int = 16000
    frame_samples: int = 80
    shortest_seconds: float = 1.25
    longest_seconds: float = 8.9
    edge_seconds: tuple[float, float] = (0.05, 0.2)
    long_share: float = 1.5
    stressed_share: float = 1.25
    final_phones: int = 4
    final_seconds: float = 0.35
    accent_seconds: float = 0.08
    pauses: tuple[int, int] = (1, 3)
    formant_seconds: float = 0.022
    upper_formants_hertz: tuple[float, ...] = (3500.0, 4500.0, 5500.0, 6500.0)
    bandwidths_hertz: tuple[float, ...] = (70.0, 90.0, 130.0, 220.0, 300.0, 400.0, 500.0)
    open_share: float = 0.6
    closed_breath_share: float = 0.25
    tilt_hertz: float = 3000.0
    least_tilt_decibels: float = 0.5
    noise_bands_hertz: tuple[float, ...] = (900.0, 2000.0, 3300.0, 5600.0)
    noise_quality: float = 2.0
    noise_gain: float = 0.25
    room_pole: float = 0.9


def synthesise(
    voice: Voice,
    style: Style,
    transcription: str,
    rng: np.random.Generator,
    variation: Variation = Variation(),  # noqa: B008 - frozen
    config: SynthesisConfig = SynthesisConfig(),
) -> NDArray[np.float32]:
    """Speaks a transcription once, as one take in one recording.

    Args:
        voice: The speaker.
        style: The emotion.
        transcription: The sentence, in the letters that `parse_transcription` reads.
        rng: Source of all that is random about the take and its recording; the same state gives the same samples.
        variation: How much takes and recordings differ.
        config: What is the same for all.

    Returns:
        float32 waveform `(samples,)` at `config.sample_rate_hertz`, `shortest_seconds` to `longest_seconds` long, between -1 and 1
        and exactly representable in 16 bits.

    Raises:
        ValueError: The transcription has a letter that is no phone, or none at all.
    """
    sounds = parse_transcription(transcription)
    take = _vary(style, rng, variation)
    score = _score(sounds, voice, take, rng, variation, config)
    speech = _speak(score, voice, take, rng, config)
    return _record(speech, take.level_decibels, rng, variation, config)


def _vary(style: Style, rng: np.random.Generator, variation: Variation) -> Style:
    """Returns the style of one take."""
    take = style.scaled(rng.uniform(*variation.intensity))
    return replace(
        take,
        pitch_semitones=take.pitch_semitones + rng.normal(0, variation.pitch_semitones),
        melody_octaves=take.melody_octaves + rng.normal(0, variation.melody_octaves),
        rate_octaves=take.rate_octaves + rng.normal(0, variation.rate_octaves),
        tilt_decibels=take.tilt_decibels + rng.normal(0, variation.tilt_decibels),
        stress_decibels=take.stress_decibels + rng.normal(0, variation.stress_decibels),
    )


@dataclass(frozen=True)
class _Score:
    """What to speak, by frames: formants in Hz `(frames, 3)`, linear levels of the voice `(frames,)` and of the noise bands
    `(frames, bands)`, pitch relative to the voice's in semitones `(frames,)`."""

    formants: Array
    voice: Array
    noise: Array
    pitch: Array


def _score(
    sounds: list[Sound], voice: Voice, take: Style, rng: np.random.Generator, variation: Variation, config: SynthesisConfig
) -> _Score:
    """Returns the score of one take, from silence to silence."""
    seconds, pauses = _durations(sounds, voice, take, rng, variation, config)
    start, after = rng.uniform(*config.edge_seconds, 2)

    # Piecewise constant targets; the columns are end in seconds, three formants, voice, noise bands, stress.
    rows: list[list[float]] = []
    accents: list[float] = []
    clock = 0.0

    def add(duration: float, phone: Phone, voiced: bool = False, noisy: bool = False, stressed: bool = False) -> None:
        nonlocal clock
        clock += duration
        noise = [0.0] * len(config.noise_bands_hertz)
        noise[phone.noise_band] = 10 ** (phone.noise_decibels / 20) if noisy else 0.0
        level = 10 ** (phone.voice_decibels / 20) if voiced else 0.0
        rows.append([clock, phone.f1_hertz, phone.f2_hertz, phone.f3_hertz, level, *noise, float(stressed)])

    add(start, sounds[0].phone)
    for sound, duration, pause in zip(sounds, seconds, pauses, strict=True):
        if sound.is_stressed:
            accents.append(clock + duration / 2)
        burst = min(sound.phone.burst_seconds or duration, duration)
        add(duration - burst, sound.phone, voiced=True)
        add(burst, sound.phone, voiced=True, noisy=True, stressed=sound.is_stressed)
        add(pause, sound.phone)
    end = clock
    add(after, sounds[-1].phone)

    targets = np.array(rows)
    step = config.frame_samples / config.sample_rate_hertz
    time = (np.arange(int(clock / step)) + 0.5) * step
    track = targets[np.searchsorted(targets[:, 0], time)]  # (frames, columns)
    formants = gaussian_filter1d(track[:, 1:4], config.formant_seconds / step, axis=0, mode="nearest")
    levels = gaussian_filter1d(track[:, 4:-1], take.attack_seconds / step, axis=0, mode="nearest")
    stress = gaussian_filter1d(track[:, -1], config.formant_seconds / step)

    pitch = take.pitch_semitones - take.declination_semitones * (time - start) / (end - start)
    heights = voice.melody_semitones * 2**take.melody_octaves * np.exp(rng.normal(0, variation.accent_share, len(accents)))
    for height, accent in zip(heights, accents, strict=True):
        pitch += height * np.exp(-0.5 * ((time - accent) / config.accent_seconds) ** 2)
    pitch += take.final_semitones * np.clip((time - end) / config.final_seconds + 1, 0, 1)
    # No take's tremor is as regular as the table; an eighth either way.
    tremor = np.sin(2 * np.pi * (take.tremor_hertz * rng.uniform(7 / 8, 9 / 8) * time + rng.uniform()))
    pitch += take.tremor_semitones * tremor
    gain = 10 ** ((take.stress_decibels * (stress - 0.5) + take.tremor_decibels * tremor) / 20)
    return _Score(formants * voice.tract_scale, levels[:, 0] * gain, levels[:, 1:] * gain[:, None], pitch)


def _durations(
    sounds: list[Sound], voice: Voice, take: Style, rng: np.random.Generator, variation: Variation, config: SynthesisConfig
) -> tuple[Array, Array]:
    """Returns the length of each sound and of the pause after it, in seconds."""
    seconds = np.array([sound.phone.seconds for sound in sounds])
    seconds *= np.where([sound.is_long for sound in sounds], config.long_share, 1.0)
    seconds *= np.where([sound.is_stressed for sound in sounds], config.stressed_share, 1.0)
    seconds *= np.exp(rng.normal(0, variation.duration_share, len(sounds))) / (voice.rate * 2**take.rate_octaves)
    seconds[-config.final_phones :] *= 2**take.final_octaves
    pauses = np.zeros(len(sounds))
    boundaries = [index for index, sound in enumerate(sounds[:-1]) if sound.ends_word]
    if boundaries:
        count = min(len(boundaries), int(rng.integers(*config.pauses, endpoint=True)))
        chosen = rng.choice(boundaries, size=count, replace=False)
        pauses[chosen] = rng.dirichlet(np.full(count, 2.0)) * seconds.sum() * take.pause_share / (1 - take.pause_share)
    total = seconds.sum() + pauses.sum()
    stretch = np.clip(total, config.shortest_seconds, config.longest_seconds - 2 * config.edge_seconds[1]) / total
    return seconds * stretch, pauses * stretch


def _speak(score: _Score, voice: Voice, take: Style, rng: np.random.Generator, config: SynthesisConfig) -> Array:
    """Returns the speech of a score `(samples,)`, as from the lips: no room, no microphone, any level."""
    rate = config.sample_rate_hertz
    centres = (np.arange(len(score.pitch)) + 0.5) * config.frame_samples
    at = np.arange(len(score.pitch) * config.frame_samples)
    f0 = voice.f0_hertz * 2 ** (np.interp(at, centres, score.pitch) / 12)

    pulses, opening = _glottis(f0 / rate, take, rng, config)
    breath = 10 ** ((voice.breath_decibels + take.breath_decibels) / 20) * rng.standard_normal(len(at))
    breath *= config.closed_breath_share + (1 - config.closed_breath_share) * opening
    loss_decibels = max(voice.tilt_decibels + take.tilt_decibels, config.least_tilt_decibels)
    pole = _one_pole(loss_decibels, 2 * np.pi * config.tilt_hertz / rate)
    source = np.interp(at, centres, score.voice) * (signal.lfilter([1 - pole], [1, -pole], pulses) + breath)
    speech = _tract(source, score.formants, voice, config)

    noise = rng.standard_normal(len(at))
    for band, centre in enumerate(config.noise_bands_hertz):
        b, a = signal.iirpeak(centre * voice.tract_scale, config.noise_quality, rate)
        speech += config.noise_gain * np.interp(at, centres, score.noise[:, band]) * signal.lfilter(b, a, noise)
    return speech


def _glottis(cycles_per_sample: Array, take: Style, rng: np.random.Generator, config: SynthesisConfig) -> tuple[Array, Array]:
    """Returns the glottal pulses, that is the derivative of the flow, and the flow between 0 and 1, both `(samples,)`.

    The flow is the polynomial of Klatt's KLGLOTT88; its difference from sample to sample aliases far less than its derivative, sampled.
    """
    steady = np.floor(np.cumsum(cycles_per_sample)).astype(int)
    count = 2 * steady[-1] + 2  # more cycles than jitter can make of them
    speed = 1 + np.clip(take.jitter_percent / 100 * rng.standard_normal(count), -0.2, 0.2)
    decibels = take.shimmer_decibels * rng.standard_normal(count) - take.creak_decibels * (np.arange(count) % 2)
    phase = np.cumsum(cycles_per_sample * speed[steady])
    cycle = np.floor(phase).astype(int)
    opened = np.minimum((phase - cycle) / config.open_share, 1.0)
    flow = 27 / 4 * opened**2 * (1 - opened)
    pulses = np.diff(flow * 10 ** (decibels[cycle] / 20), prepend=0.0) / cycles_per_sample * config.open_share * 4 / 27
    return pulses, flow


def _one_pole(loss_decibels: float, radians: float) -> float:
    """Returns the pole of the low-pass filter of gain 1 at 0 Hz that loses so much at an angular frequency."""
    power = 10 ** (-loss_decibels / 10)
    middle = 1 - power * np.cos(radians)
    return float((middle - np.sqrt(middle**2 - (1 - power) ** 2)) / (1 - power))


def _tract(source: Array, formants: Array, voice: Voice, config: SynthesisConfig) -> Array:
    """Filters a source `(samples,)` by the formants `(frames, 3)` and the fixed ones above them, in cascade, frame by frame."""
    nyquist_hertz = config.sample_rate_hertz / 2
    upper = np.minimum(np.array(config.upper_formants_hertz) * voice.tract_scale, nyquist_hertz)
    hertz = np.hstack([formants, np.broadcast_to(upper, (len(formants), len(upper)))])
    radius = np.exp(-np.pi * np.array(config.bandwidths_hertz) / config.sample_rate_hertz)
    sections = np.zeros((*hertz.shape, 6))  # (frames, formants, b0 b1 b2 a0 a1 a2)
    sections[..., 3] = 1
    sections[..., 4] = -2 * radius * np.cos(np.pi * hertz / nyquist_hertz)
    sections[..., 5] = radius**2
    sections[..., 0] = sections[..., 3:].sum(axis=-1)  # gain 1 at 0 Hz
    filtered = np.empty_like(source)
    state = np.zeros((hertz.shape[1], 2))
    for frame, section in enumerate(sections):
        block = slice(frame * config.frame_samples, (frame + 1) * config.frame_samples)
        filtered[block], state = signal.sosfilt(section, source[block], zi=state)
    return filtered


def _record(
    speech: Array, level_decibels: float, rng: np.random.Generator, variation: Variation, config: SynthesisConfig
) -> NDArray[np.float32]:
    """Returns speech `(samples,)` as recorded: through a frequency response, in a room's noise, at some gain, in 16 bits."""
    length = fft.next_fast_len(len(speech), real=True)
    hertz = fft.rfftfreq(length, 1 / config.sample_rate_hertz)
    mels = np.log1p(hertz / 700) / np.log1p(config.sample_rate_hertz / 2 / 700)  # 0 to 1
    orders = np.arange(1, len(variation.colour_decibels) + 1)
    weights = rng.normal(0, variation.colour_decibels)
    response = (weights[:, None] * np.cos(np.pi * orders[:, None] * mels)).sum(axis=0)  # dB
    recorded = fft.irfft(fft.rfft(speech, length) * 10 ** (response / 20), length)[: len(speech)]
    noise = signal.lfilter([1.0], [1.0, -config.room_pole], rng.standard_normal(len(speech)))
    noise_decibels = rng.uniform(*variation.noise_decibels) - level_decibels
    recorded += noise * recorded.std() / noise.std() * 10 ** (noise_decibels / 20)
    recorded *= 10 ** (rng.uniform(*variation.gain_decibels) / 20) / np.abs(recorded).max()
    return (np.round(recorded * 32767) / 32768).astype(np.float32)
