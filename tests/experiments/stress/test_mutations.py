"""The mutator draws what its generator says, and the recordings that it starts from are right."""

import numpy as np
import pytest

from experiments.stress.announced import announced
from experiments.stress.audio import fault_of, malformed
from experiments.stress.mutations import MUTATIONS, mutated, with_bit_flipped
from experiments.stress.sounds import FORMATS, RATE_HERTZ, SECONDS, encoded
from ser_acrnn import audio

DATA = encoded("wav, 16 bits")
SAMPLES = int(RATE_HERTZ * SECONDS)


def test_a_case_is_the_same_each_time_and_others_differ():
    assert malformed(7, seed=0) == malformed(7, seed=0) != malformed(7, seed=1)
    assert len({mutated(DATA, np.random.default_rng(seed)) for seed in range(50)}) > 45


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("data", [DATA, b"a", b""], ids=len)
def test_every_mutation_takes_any_file(mutation, data):
    changed = [mutation(data, np.random.default_rng(seed)) for seed in range(20)]
    assert all(isinstance(one, bytes) for one in changed)
    assert data != DATA or sum(one != data for one in changed) > 15


def test_one_bit_is_one_bit():
    changed = with_bit_flipped(DATA, np.random.default_rng(0))
    different = int.from_bytes(changed, "big") ^ int.from_bytes(DATA, "big")
    assert len(changed) == len(DATA) and different.bit_count() == 1


@pytest.mark.parametrize("name", FORMATS)
def test_the_sounds_are_read(name):
    waveform = audio.load(encoded(name))
    assert SAMPLES <= len(waveform) + 600 < SAMPLES + 2_000  # a codec pads
    assert np.abs(waveform).max() == pytest.approx(0.43, abs=0.07)


def test_what_a_header_announces_is_counted_without_the_package():
    pcm = [name for name in FORMATS if name.startswith(("wav", "aiff", "au")) and announced(encoded(name))]
    assert {"wav, 24 bits", "wav, 16 bits, stereo", "wavex", "aiff, 24 bits, stereo", "au"} <= set(pcm)
    assert {announced(encoded(name)) for name in pcm} == {(SAMPLES, RATE_HERTZ)}
    assert announced(DATA[:40] + b"\xff\xff\xff\x7f" + DATA[44:]) is None
    assert announced(DATA[:40] + (8_000).to_bytes(4, "little") + DATA[44:]) == (4_000, RATE_HERTZ)


def test_an_answer_to_another_count_than_announced_is_a_fault():
    waveform = audio.load(DATA)
    assert fault_of(DATA, waveform, noted=False) == ""
    assert "7990 samples without a note, expected the 8000" in fault_of(DATA, waveform[:-10], noted=False)
    assert fault_of(DATA, waveform[:-10], noted=True) == ""
    assert "expected finite" in fault_of(DATA, np.full(SAMPLES, np.nan, np.float32), noted=False)
