"""A header that says less or more than is there: the whole is read, or the file is refused with both numbers."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_acrnn import audio
from ser_acrnn.audio import containers
from ser_acrnn.audio.excerpts import MOST_IN_MEMORY_BYTES, Excerpt

RATE_HERTZ, SAMPLES = 16_000, 20_000
NOISE = np.random.default_rng(0).integers(-9_000, 9_000, SAMPLES).astype(np.int16)
JUNK = np.random.default_rng(1).bytes(5_000)
FORMATS = {
    "wav": {"format": "WAV"},
    "big-endian wav": {"format": "WAV", "endian": "BIG"},
    "24-bit wav": {"format": "WAV", "subtype": "PCM_24"},
    "float wav": {"format": "WAV", "subtype": "FLOAT"},
    "mu-law wav": {"format": "WAV", "subtype": "ULAW"},
    "extensible wav": {"format": "WAVEX"},
    "rf64": {"format": "RF64"},
    "w64": {"format": "W64"},
    "aiff": {"format": "AIFF"},
    "little-endian aiff": {"format": "AIFF", "endian": "LITTLE"},
    "au": {"format": "AU"},
    "little-endian au": {"format": "AU", "endian": "LITTLE"},
    "caf": {"format": "CAF"},
}
LOSSLESS = [name for name in FORMATS if name != "mu-law wav"]


def encoded(name: str) -> bytes:
    """The noise in a format."""
    buffer = io.BytesIO()
    options = {"subtype": "PCM_16", **FORMATS[name]}
    soundfile.write(buffer, NOISE / 32_768, RATE_HERTZ, **options)
    return buffer.getvalue()


def field(data: bytes) -> tuple[int, str, int]:
    """Where a file of this test says how long it is, how the number is packed, and what it has beside the samples."""
    place = data.find(b"SSND" if data.startswith(b"FORM") else b"ds64" if data.startswith(b"RF64") else b"data")
    known = {
        b"RIFF": (place + 4, "<I", 0),
        b"RIFX": (place + 4, ">I", 0),
        b"RF64": (place + 16, "<Q", 0),
        b"riff": (place + 16, "<Q", 24),
        b"FORM": (place + 4, ">I", 8),
        b".snd": (8, ">I", 0),
        b"dns.": (8, "<I", 0),
        b"caff": (place + 4, ">q", 4),
    }
    return known[data[:4]]


def announcing(data: bytes, change: int | None = None, *, value: int | None = None) -> bytes:
    """The file with so many bytes more in its header, or with a number."""
    place, code, _ = field(data)
    (right,) = struct.unpack_from(code, data, place)
    number = struct.pack(code, right + change if value is None and change is not None else value)
    return data[:place] + number + data[place + len(number) :]


def read(data: bytes) -> np.ndarray:
    return audio.load(data)


@pytest.fixture(scope="module", params=FORMATS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_a_true_header_needs_nothing(name: str) -> None:
    data = encoded(name)
    assert containers.parts(io.BytesIO(data)) == []
    if name in LOSSLESS:
        np.testing.assert_array_equal(read(data), NOISE.astype(np.float32) / 32_768)


@pytest.mark.parametrize("value", [0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_F000, 0], ids=hex)
def test_a_number_of_those_who_could_not_know_is_no_length(name: str, value: int) -> None:
    data = encoded(name)
    np.testing.assert_array_equal(read(announcing(data, value=value)), read(data))


@pytest.mark.parametrize("name", ["caf", "w64", "rf64"])
def test_so_are_those_of_64_bits(name: str) -> None:
    data = encoded(name)
    for value in (-1, 2**63 - 1) if name == "caf" else (2**64 - 1, 2**63 - 1):
        np.testing.assert_array_equal(read(announcing(data, value=value)), read(data))


def test_a_recorder_that_counts_its_header_as_well_has_lost_nothing(name: str) -> None:
    data = encoded(name)
    for extra in {44, len(data) - len(read(data)) * 2 if name in ("wav", "rf64", "au") else 44}:
        np.testing.assert_array_equal(read(announcing(data, extra)), read(data))


def test_a_file_of_which_something_is_missing_is_cut_off(name: str) -> None:
    data = encoded(name)
    for missing in (2, 100, 5_000, len(data) // 2):
        with pytest.raises(audio.AudioError, match=r"is cut off: holds \d+ bytes of audio, expected the \d+ that its header announces"):
            read(data[:-missing])


def test_more_than_the_header_says_is_refused_with_both_numbers(name: str) -> None:
    data = encoded(name)
    with pytest.raises(audio.AudioError, match=r"holds \d+ bytes after its header, expected the \d+ bytes of audio that it announces"):
        read(announcing(data, -6_000))
    with pytest.raises(audio.AudioError, match=r"holds \d+ bytes after its header, expected"):
        read(data + JUNK)


def test_what_often_follows_the_samples_is_no_audio(name: str) -> None:
    data = encoded(name)
    for following in (b"TAG" + bytes(125), b"ID3\x03\0\0\0\0\x08\0" + bytes(1_024), bytes(4_000), JUNK[:100]):
        np.testing.assert_array_equal(read(data + following), read(data))


@pytest.mark.parametrize("padded", [True, False])
def test_chunks_may_follow_the_samples(padded: bool) -> None:
    data = encoded("wav")
    note = b"LIST" + struct.pack("<I", 13) + b"INFOICMT\1\0\0\0x" + (b"\0" if padded else b"")
    chunks = note + b"id3 " + struct.pack("<I", 6_000) + JUNK[:3_000] * 2
    assert containers.parts(io.BytesIO(data + chunks)) == []
    np.testing.assert_array_equal(read(data + chunks), read(data))


@pytest.mark.parametrize("name", ["wav", "big-endian wav", "24-bit wav", "rf64", "w64"])
@pytest.mark.parametrize("between", [b"", b"note"])
def test_samples_in_several_chunks_are_read_to_the_last(name: str, between: bytes, caplog: pytest.LogCaptureFixture) -> None:
    data = encoded(name)
    layout = containers._LAYOUTS[data[:4]]
    begin = data.find(b"data")

    def chunk(identifier: bytes, content: bytes) -> bytes:
        size = len(content) + (layout.head if layout.counts_itself else 0)
        return identifier + struct.pack(layout.size, size) + content

    identifier = data[begin : begin + layout.identifier]
    samples = data[begin + layout.head :]
    third = len(samples) // 30 * 10 // 24 * 24
    note = chunk(between + identifier[4:], bytes(layout.alignment * 5)) if between else b""
    pieces = [samples[:third], samples[third : 2 * third], samples[2 * third :]]
    first = announcing(data, value=third + (layout.head if layout.counts_itself else 0))[: begin + layout.head] + pieces[0]
    split = first + note + chunk(identifier, pieces[1]) + chunk(identifier, pieces[2])
    np.testing.assert_array_equal(read(split), read(data))
    assert "in a row" not in caplog.text
    with pytest.raises(audio.AudioError, match=r"is cut off: holds \d+ bytes in its last chunk of samples, expected \d+"):
        read(split[:-3_000])


def test_thousands_of_files_in_a_row_are_refused_in_a_line() -> None:
    flv = b"FLV\x01\x04\x00\x00\x00\x09\x00\x00\x00\x00"
    for data in (encoded("wav")[:300], flv):
        one = announcing(data, value=256) if data is not flv else data
        with pytest.raises(audio.AudioError, match="is too many files in a row, expected some hundred at most"):
            read(one * 3_000)


def test_files_in_a_row_are_read_one_after_the_other(name: str, caplog: pytest.LogCaptureFixture) -> None:
    data = encoded(name)
    np.testing.assert_array_equal(read(data + data + data), np.tile(read(data), 3))
    assert "is 3 files in a row, they are read as one recording" in caplog.text


def test_files_in_a_row_with_two_rates_are_refused() -> None:
    other = io.BytesIO()
    soundfile.write(other, NOISE, 8_000, format="WAV")
    with pytest.raises(audio.AudioError, match=r"is 2 files in a row with the rates \[8000, 16000\] Hz, expected one rate"):
        read(encoded("wav") + other.getvalue())


def test_a_sphere_file_says_its_length_in_words() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, NOISE, RATE_HERTZ, format="NIST", subtype="PCM_16")
    data = buffer.getvalue()
    np.testing.assert_array_equal(read(data), NOISE.astype(np.float32) / 32_768)
    with pytest.raises(audio.AudioError, match="is cut off: holds 35000 bytes of audio, expected the 40000"):
        read(data[:-5_000])
    with pytest.raises(audio.AudioError, match="holds 45000 bytes after its header, expected the 40000"):
        read(data + JUNK)


def test_a_length_that_wrapped_at_4_gb_is_that_of_the_file(tmp_path: Path) -> None:
    data = encoded("wav")
    path = tmp_path / "long.wav"
    with path.open("wb") as file:  # takes no room on the disk
        file.write(announcing(data, value=80_000))
        file.seek(2**32 - 44, os.SEEK_CUR)
        file.write(data)
    with path.open("rb") as file:
        parts = containers.parts(file)
    held = path.stat().st_size - 44
    assert sum(len(part) - 44 for part in parts) == held > 2**32
    assert all((len(part) - 44) % 2_016 == 0 for part in parts[:-1])  # whole frames of 24 bits, of seven channels, ...
    with pytest.raises(audio.AudioError, match="holds"):
        audio.load(announcing(data, value=1_000))


def test_an_excerpt_is_a_file() -> None:
    excerpt = Excerpt(io.BytesIO(b"0123456789"), 2, 6, b"ab")
    assert excerpt.read() == b"ab2345" and len(excerpt) == 6 and excerpt.readable() and excerpt.seekable()
    assert excerpt.seek(-3, os.SEEK_END) == 3 and excerpt.read(2) == b"34" and excerpt.tell() == 5
    assert excerpt.again().read(1) == b"a" and excerpt.read(9) == b"5" and excerpt.read(9) == b""
    assert excerpt.in_memory().read() == b"ab2345" and excerpt.tell() == 6
    long = Excerpt(io.BytesIO(bytes(MOST_IN_MEMORY_BYTES + 1)))
    assert long.in_memory().read(1) == b"\0" and type(long.in_memory()) is Excerpt
