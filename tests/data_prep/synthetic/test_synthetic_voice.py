"""The synthetic voices do what their tables say, each number on its own."""

from dataclasses import fields, replace

import numpy as np
import pytest

from data_prep.synthetic.phones import PHONES, parse_transcription
from data_prep.synthetic.style import STYLES, Style, Variation, Voice
from data_prep.synthetic.voice import SynthesisConfig, synthesise

VOICE = Voice(f0_hertz=120, tract_scale=1.0, rate=1.0, melody_semitones=0.0, tilt_decibels=10.0, breath_decibels=-80.0)
STEADY = Style(declination_semitones=0.0, final_semitones=0.0, pause_share=0.0, final_octaves=0.0, jitter_percent=0.0, shimmer_decibels=0.0)
SAME = Variation(
    intensity=(1.0, 1.0),
    pitch_semitones=0.0,
    melody_octaves=0.0,
    rate_octaves=0.0,
    tilt_decibels=0.0,
    stress_decibels=0.0,
    accent_share=0.0,
    duration_share=0.0,
    gain_decibels=(-6.0, -6.0),
    noise_decibels=(-60.0, -60.0),
    colour_decibels=(0.0,),
)
# Sixteen vowels, a word each: 120 Hz and its harmonics all the way.
VOWELS = " ".join(["a:"] * 16)
SENTENCE = "das Sv'a:6ts@ z'i:b@n vI6t"


def speak(voice: Voice = VOICE, style: Style = STEADY, transcription: str = VOWELS, variation: Variation = SAME) -> np.ndarray:
    return synthesise(voice, style, transcription, np.random.default_rng(0), variation).astype(float)


def spectrum_decibels(waveform: np.ndarray, low_hertz: float, high_hertz: float) -> float:
    power = np.abs(np.fft.rfft(waveform)) ** 2
    hertz = np.fft.rfftfreq(len(waveform), 1 / 16000)
    return float(10 * np.log10(power[(hertz >= low_hertz) & (hertz < high_hertz)].sum()))


def strongest_hertz(waveform: np.ndarray, low_hertz: float, high_hertz: float) -> float:
    power = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    hertz = np.fft.rfftfreq(len(waveform), 1 / 16000)
    power[(hertz < low_hertz) | (hertz > high_hertz)] = 0
    return float(hertz[power.argmax()])


@pytest.mark.parametrize("semitones", [-12.0, 0.0, 7.0])
def test_pitch_is_the_voices_shifted_by_the_style(semitones: float) -> None:
    expected = 120 * 2 ** (semitones / 12)
    waveform = speak(style=replace(STEADY, pitch_semitones=semitones))
    assert strongest_hertz(waveform, 0.8 * expected, 1.2 * expected) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("letter", "low_hertz", "high_hertz"), [("a", 600, 900), ("i", 200, 400), ("O", 480, 640)])
def test_the_first_formant_is_where_the_phone_has_it(letter: str, low_hertz: float, high_hertz: float) -> None:
    waveform = speak(transcription=VOWELS.replace("a", letter))
    peak = strongest_hertz(waveform, 150, 1200)
    assert low_hertz < peak < high_hertz
    assert abs(peak - PHONES[letter].f1_hertz) <= 120


def test_a_longer_tract_lowers_the_formants() -> None:
    """A bright band of a short tract (F2 of `i` at 2200 Hz times 1.2) is empty in a long one's (2200 Hz)."""
    transcription = VOWELS.replace("a", "i")
    short, long = (speak(replace(VOICE, tract_scale=scale), transcription=transcription) for scale in (1.2, 1.0))
    contrast = [spectrum_decibels(waveform, 2550, 2750) - spectrum_decibels(waveform, 2100, 2300) for waveform in (short, long)]
    assert contrast[0] > contrast[1] + 6


def test_an_octave_of_rate_halves_the_length() -> None:
    slow, fast = (len(speak(style=replace(STEADY, rate_octaves=octaves))) for octaves in (0.0, 0.5))
    edges = 2 * 0.2 * 16000
    assert fast == pytest.approx(slow / 2**0.5, abs=edges)


def test_lengths_stay_within_the_limits() -> None:
    config = SynthesisConfig()
    for transcription in ("a", VOWELS * 12):
        seconds = len(speak(transcription=transcription)) / config.sample_rate_hertz
        assert config.shortest_seconds <= seconds <= config.longest_seconds


def test_pause_share_is_silence_between_words() -> None:
    paused = speak(style=replace(STEADY, pause_share=0.4))
    without = speak()
    assert len(paused) > 1.5 * len(without)
    quiet = [np.mean(np.abs(waveform).reshape(-1, 80).max(axis=1) < 0.01 * np.abs(waveform).max()) for waveform in (paused, without)]
    assert quiet[0] > quiet[1] + 0.2


def test_tilt_takes_from_3_khz_what_it_says() -> None:
    softer, brighter = (speak(style=replace(STEADY, tilt_decibels=decibels)) for decibels in (6.0, -3.0))
    loss = [spectrum_decibels(waveform, 100, 400) - spectrum_decibels(waveform, 2900, 3100) for waveform in (softer, brighter)]
    assert loss[0] - loss[1] == pytest.approx(9.0, abs=1.5)


def test_jitter_blurs_the_harmonics() -> None:
    def peak_share(waveform: np.ndarray) -> float:
        return spectrum_decibels(waveform, 715, 725) - spectrum_decibels(waveform, 660, 780)

    assert peak_share(speak()) > peak_share(speak(style=replace(STEADY, jitter_percent=3.0))) + 3


def test_creak_brings_the_octave_below() -> None:
    def subharmonic(waveform: np.ndarray) -> float:
        return spectrum_decibels(waveform, 175, 185) - spectrum_decibels(waveform, 115, 125)

    assert subharmonic(speak(style=replace(STEADY, creak_decibels=6.0))) > subharmonic(speak()) + 10


def test_gain_sets_the_peak() -> None:
    for decibels in (-20.0, -6.0):
        waveform = speak(variation=replace(SAME, gain_decibels=(decibels, decibels)))
        assert np.abs(waveform).max() == pytest.approx(10 ** (decibels / 20), rel=1e-3)


def test_samples_are_those_of_a_16_bit_file() -> None:
    waveform = synthesise(VOICE, STEADY, VOWELS, np.random.default_rng(0))
    assert waveform.dtype == np.float32
    assert np.array_equal(waveform * 32768, np.round(waveform * 32768))


def test_takes_differ_and_a_seed_repeats_one() -> None:
    first, again, other = (synthesise(VOICE, STEADY, VOWELS, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_phone_can_be_spoken_in_every_style() -> None:
    for style in STYLES.values():
        assert np.isfinite(speak(style=style, transcription=" ".join(PHONES))).all()


@pytest.mark.parametrize("name", [field.name for field in fields(Style)])
def test_every_number_of_a_style_is_heard(name: str) -> None:
    style = replace(STYLES["fear"], creak_decibels=3.0)
    changed = replace(style, **{name: getattr(style, name) + 0.1})
    voice = replace(VOICE, melody_semitones=4.0)
    assert not np.array_equal(speak(voice, style, SENTENCE), speak(voice, changed, SENTENCE))


@pytest.mark.parametrize("name", [field.name for field in fields(Voice)])
def test_every_number_of_a_voice_is_heard(name: str) -> None:
    changed = replace(VOICE, **{name: getattr(VOICE, name) + 0.1})
    assert not np.array_equal(speak(transcription=SENTENCE), speak(changed, transcription=SENTENCE))


@pytest.mark.parametrize("name", [field.name for field in fields(Variation)])
def test_every_number_of_the_variation_is_heard(name: str) -> None:
    value = getattr(SAME, name)
    changed = replace(SAME, **{name: tuple(number + 0.5 for number in value) if isinstance(value, tuple) else value + 0.5})
    voice, style = replace(VOICE, melody_semitones=4.0), STYLES["fear"]
    assert not np.array_equal(speak(voice, style, SENTENCE), speak(voice, style, SENTENCE, changed))


def test_formants_move_from_phone_to_phone() -> None:
    """F1 of `a` is at 750 Hz, that of `i` at 280 Hz."""
    waveform = speak(transcription="a: " * 8 + "i: " * 8)
    first, second = np.array_split(waveform, 2)
    contrast = [spectrum_decibels(half, 650, 850) - spectrum_decibels(half, 200, 400) for half in (first, second)]
    assert contrast[0] > contrast[1] + 10


@pytest.mark.parametrize(("letter", "hertz"), [("s", 5600), ("S", 3300), ("x", 900)])
def test_consonants_hiss_in_their_band(letter: str, hertz: float) -> None:
    assert strongest_hertz(speak(transcription=letter * 20), 300, 7900) == pytest.approx(hertz, rel=0.25)


def test_the_pitch_falls_as_declination_says() -> None:
    waveform = speak(style=replace(STEADY, declination_semitones=12.0))
    assert strongest_hertz(waveform[:8000], 50, 140) > 1.3 * strongest_hertz(waveform[-8000:], 50, 140)


def test_intensity_moves_between_neutral_and_the_style() -> None:
    assert STYLES["angry"].scaled(1.0) == pytest.approx(STYLES["angry"])
    assert STYLES["angry"].scaled(0.0) == Style()
    assert STYLES["angry"].scaled(0.5).pitch_semitones == pytest.approx(STYLES["angry"].pitch_semitones / 2)


def test_a_transcription_is_read() -> None:
    sounds = parse_transcription("Sp'a: t")
    assert [sound.phone for sound in sounds] == [PHONES[letter] for letter in "Spat"]
    assert [sound.is_stressed for sound in sounds] == [False, False, True, False]
    assert [sound.is_long for sound in sounds] == [False, False, True, False]
    assert [sound.ends_word for sound in sounds] == [False, False, True, False]


def test_stress_waits_for_the_vowel() -> None:
    assert [sound.is_stressed for sound in parse_transcription("'Strat")] == [False, False, False, True, False]


@pytest.mark.parametrize(("transcription", "message"), [("a?", r"'\?' is no phone"), ("", "has no phone"), (":a", "':' is no phone")])
def test_what_is_no_transcription_is_an_error(transcription: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_transcription(transcription)
