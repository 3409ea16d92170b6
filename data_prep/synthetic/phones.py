"""The speech sounds of the synthetic voices, and the letters in which a sentence is transcribed.

The formants are round numbers in the region of what phonetics textbooks give for German; the levels and lengths are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Phone:
    """One speech sound.

    Attributes:
        f1_hertz: First formant for the reference tract, a man's; the next two likewise.
        seconds: Length in neutral speech.
        voice_decibels: Level of the voice; a vowel's is -3 or more.
        noise_decibels: Level of the noise.
        noise_band: Where the noise lies, an index into `SynthesisConfig.noise_bands_hertz`.
        burst_seconds: How much of the end carries the noise, after a closure; 0 for all of it.
    """

    f1_hertz: float
    f2_hertz: float
    f3_hertz: float
    seconds: float
    voice_decibels: float = -np.inf
    noise_decibels: float = -np.inf
    noise_band: int = 0
    burst_seconds: float = 0.0

    @property
    def is_vowel(self) -> bool:
        """Whether it can be stressed."""
        return self.voice_decibels >= -3


PHONES = {
    "a": Phone(750, 1250, 2500, 0.085, 0),
    "e": Phone(400, 2050, 2600, 0.085, 0),
    "E": Phone(550, 1800, 2500, 0.075, 0),
    "i": Phone(280, 2200, 2950, 0.08, -1),
    "I": Phone(370, 1950, 2550, 0.065, -1),
    "o": Phone(400, 800, 2500, 0.085, 0),
    "O": Phone(560, 950, 2450, 0.075, 0),
    "u": Phone(300, 750, 2350, 0.08, -1),
    "U": Phone(380, 950, 2350, 0.065, -1),
    "y": Phone(290, 1650, 2150, 0.08, -1),
    "9": Phone(500, 1500, 2250, 0.075, 0),
    "@": Phone(480, 1400, 2450, 0.05, -3),
    "6": Phone(620, 1300, 2400, 0.06, -2),
    "j": Phone(280, 2150, 2900, 0.05, -6),
    "l": Phone(350, 1250, 2600, 0.055, -7),
    "r": Phone(450, 1200, 2200, 0.05, -8, -16, 0),
    "m": Phone(270, 1000, 2200, 0.065, -9),
    "n": Phone(270, 1500, 2500, 0.06, -9),
    "N": Phone(270, 1900, 2300, 0.065, -9),
    "v": Phone(300, 1100, 2200, 0.05, -12, -16, 2),
    "z": Phone(300, 1600, 2500, 0.06, -14, -10, 3),
    "f": Phone(350, 1100, 2200, 0.085, noise_decibels=-12, noise_band=2),
    "s": Phone(350, 1600, 2500, 0.09, noise_decibels=-5, noise_band=3),
    "S": Phone(350, 1800, 2400, 0.09, noise_decibels=-3, noise_band=2),
    "C": Phone(300, 2000, 2700, 0.08, noise_decibels=-8, noise_band=2),
    "x": Phone(450, 1000, 2300, 0.075, noise_decibels=-8, noise_band=0),
    "h": Phone(500, 1400, 2450, 0.05, noise_decibels=-14, noise_band=1),
    "b": Phone(250, 900, 2200, 0.055, -18, -10, 0, 0.008),
    "d": Phone(250, 1600, 2600, 0.05, -18, -10, 3, 0.01),
    "g": Phone(250, 1900, 2300, 0.055, -18, -10, 1, 0.015),
    "p": Phone(300, 900, 2200, 0.08, noise_decibels=-7, noise_band=0, burst_seconds=0.02),
    "t": Phone(300, 1600, 2600, 0.08, noise_decibels=-4, noise_band=3, burst_seconds=0.025),
    "k": Phone(300, 1900, 2300, 0.085, noise_decibels=-5, noise_band=1, burst_seconds=0.03),
}


@dataclass(frozen=True)
class Sound:
    """A phone in its place: whether it is stressed, whether it is long, and whether a word ends after it."""

    phone: Phone
    is_stressed: bool = False
    is_long: bool = False
    ends_word: bool = False


def parse_transcription(transcription: str) -> list[Sound]:
    """Reads a sentence in the letters of `PHONES`: `'` stresses the next vowel, `:` lengthens the sound before it, a space ends a word.

    >>> [(sound.is_stressed, sound.is_long, sound.ends_word) for sound in parse_transcription("z'i: a")]
    [(False, False, False), (True, True, True), (False, False, False)]

    Raises:
        ValueError: A letter is no phone, or there is none at all.
    """
    sounds: list[Sound] = []
    stress_next = False
    for letter in transcription.strip():
        if letter == "'":
            stress_next = True
        elif letter == ":" and sounds:
            sounds[-1] = replace(sounds[-1], is_long=True)
        elif letter == " " and sounds:
            sounds[-1] = replace(sounds[-1], ends_word=True)
        elif letter in PHONES:
            is_stressed = stress_next and PHONES[letter].is_vowel
            stress_next = stress_next and not is_stressed
            sounds.append(Sound(PHONES[letter], is_stressed))
        else:
            raise ValueError(f"transcription {transcription!r}: {letter!r} is no phone, expected letters of {''.join(PHONES)}")
    if not sounds:
        raise ValueError(f"transcription {transcription!r} has no phone, expected one at least")
    return sounds
