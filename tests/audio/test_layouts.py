"""Layouts that libsndfile takes for others: what is there is heard, or the file is refused."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from ser_acrnn import audio
from ser_acrnn.audio import layouts
from ser_acrnn.audio.excerpts import Excerpt

RATE_HERTZ = 16_000
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * RATE_HERTZ).astype(np.float32)


GUID = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # what is behind four letters in W64
OF_FORMATS = bytes.fromhex("000000001000800000aa00389b71")


def w64(samples: np.ndarray, subformat: int) -> bytes:
    """A W64 whose format is extensible."""
    bits = 8 * samples.itemsize
    form = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, RATE_HERTZ, RATE_HERTZ * bits // 8, bits // 8, bits, 22, bits, 4, subformat) + OF_FORMATS
    body = b"wave" + GUID + b"fmt " + GUID + struct.pack("<q", 24 + len(form)) + form
    body += b"data" + GUID + struct.pack("<q", 24 + samples.nbytes) + samples.tobytes()
    return b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") + struct.pack("<q", 24 + len(body)) + body


def vorbis(samples: np.ndarray) -> list[bytes]:
    """The pages of an Ogg."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE_HERTZ, format="OGG", subtype="VORBIS")
    data, pages = buffer.getvalue(), []
    while data:
        length = 27 + data[26] + sum(data[27 : 27 + data[26]])
        pages.append(data[:length])
        data = data[length:]
    return pages


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack(">I", len(content)) + content


@pytest.mark.parametrize(("samples", "subformat"), [(NOISE, 3), (NOISE.astype(np.float64), 3), ((NOISE * 2**31).astype("<i4"), 1)])
def test_a_w64_of_floats_is_no_w64_of_integers(samples: np.ndarray, subformat: int) -> None:
    data = w64(samples, subformat)
    np.testing.assert_allclose(audio.load(data), NOISE, atol=1e-6)
    assert layouts.misread(Excerpt(io.BytesIO(data)), "W64") == ("" if subformat == 1 else "a W64 of the subformat 3")


def test_an_aiff_c_is_as_wide_as_its_compression_says() -> None:
    whole = (NOISE * 2**31).astype(">i4")
    for width in (16, 32):
        rate = bytes.fromhex("400cfa00000000000000")  # 16 000 as an 80-bit number
        common = struct.pack(">hIh", 1, len(NOISE), width) + rate + b"in32\x00\x00"
        body = b"AIFC" + chunk(b"FVER", struct.pack(">I", 0xA2805140)) + chunk(b"COMM", common)
        body += chunk(b"SSND", bytes(8) + whole.tobytes())
        np.testing.assert_allclose(audio.load(chunk(b"FORM", body)), NOISE, atol=1e-4)


@pytest.mark.parametrize(("bits", "packet"), [(24, 4), (16, 4), (8, 2)])
def test_a_caf_of_wide_packets_is_refused(bits: int, packet: int) -> None:
    description = struct.pack(">d4sIIIII", RATE_HERTZ, b"lpcm", 2, packet, 1, 1, bits)
    samples = (NOISE * 2**30).astype("<i4").tobytes()
    data = b"caff\x00\x01\x00\x00" + b"desc" + struct.pack(">q", 32) + description
    data += b"data" + struct.pack(">q", 4 + len(samples)) + bytes(4) + samples
    with pytest.raises(audio.AudioError, match=rf"holds 1 x {bits} bits in {packet} bytes, expected {bits // 8}: save it with packed"):
        audio.load(data)


def test_a_caf_of_packed_samples_is_read() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, NOISE, RATE_HERTZ, format="CAF", subtype="PCM_24")
    np.testing.assert_allclose(audio.load(buffer.getvalue()), NOISE, atol=1e-6)


@pytest.mark.parametrize("judged", [1, 2])
def test_of_two_tracks_of_vorbis_the_first_with_sound_is_judged_and_it_is_said(judged: int, caplog: pytest.LogCaptureFixture) -> None:
    silence = np.zeros_like(NOISE)
    tracks = (NOISE, silence) if judged == 1 else (silence, NOISE)
    (one, *rest), (other, *more) = (vorbis(samples) for samples in tracks)
    found = audio.load(b"".join([one, other, *rest, *more]))
    assert caplog.text.count(f"has 2 audio tracks, track {judged} is judged") == 1 and found.std() > 0.1
    caplog.clear()
    audio.load(b"".join(vorbis(NOISE)))
    assert not caplog.text


def test_what_breaks_off_is_left_to_who_reads_it() -> None:
    for kind in ("W64", "AIFF", "OGG", "WAV"):
        for data in (b"", b"riff", b"OggS" + bytes(40), w64(NOISE, 3)[:60]):
            assert not layouts.misread(Excerpt(io.BytesIO(data)), kind)
