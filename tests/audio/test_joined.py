"""Files that were joined end to end are read to the last; those that break off are refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from ser_acrnn import audio
from ser_acrnn.audio import joined

RATE_HERTZ = 16_000
TONE = (0.4 * np.sin(2 * np.pi * 300 * np.arange(2 * RATE_HERTZ) / RATE_HERTZ)).astype(np.float32)
ID3 = b"ID3\x04\0\0\0\0\x01\0" + bytes(128)
ID3_WITH_FOOTER = b"ID3\x04\0\x10\0\0\x01\0" + bytes(128) + b"3DI\x04\0\x10\0\0\x01\0"
FORMATS = {
    "mp3": {"format": "MP3"},
    "vorbis": {"format": "OGG", "subtype": "VORBIS"},
    "opus": {"format": "OGG", "subtype": "OPUS"},
    "flac": {"format": "FLAC"},
}


def encoded(name: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, TONE, RATE_HERTZ, **FORMATS[name])
    return buffer.getvalue()


@pytest.mark.parametrize("name", FORMATS)
def test_joined_files_are_read_to_the_last(name: str, caplog: pytest.LogCaptureFixture) -> None:
    data = encoded(name)
    once = audio.load(data)
    assert [(part.start, part.end) for part in joined.parts(io.BytesIO(data))] == [(0, len(data))] and not caplog.text
    np.testing.assert_array_equal(audio.load(data * 3), np.tile(once, 3))
    assert caplog.text.count("is 3 files in a row") == 1
    np.testing.assert_array_equal(np.concatenate(list(audio.stream(data * 2))), np.tile(once, 2))


@pytest.mark.parametrize("tags", [(ID3, b""), (b"", b"TAG" + bytes(125)), (ID3, b"TAG" + bytes(125))])
def test_tags_between_joined_mp3_files_are_no_audio(tags: tuple[bytes, bytes]) -> None:
    data = tags[0] + encoded("mp3") + tags[1]
    once = audio.load(data)
    assert len(once) == len(TONE)
    assert len(joined.parts(io.BytesIO(data))) == 1
    np.testing.assert_array_equal(audio.load(data * 2), np.tile(once, 2))


def test_a_table_that_is_some_bytes_wrong_is_the_same_table() -> None:
    data = ID3 + encoded("mp3")
    place = max(data.find(b"Xing"), data.find(b"Info")) + 12
    for wrong in (-400, -1, 1, 400):
        size = int.from_bytes(data[place : place + 4], "big") + wrong
        shifted = data[:place] + size.to_bytes(4, "big") + data[place + 4 :]
        assert len(audio.load(shifted)) == len(TONE)
        assert len(audio.load(shifted * 2)) == 2 * len(TONE)


def test_an_mp3_without_a_table_is_read_to_its_end() -> None:
    data = encoded("mp3").replace(b"Info", bytes(4)).replace(b"Xing", bytes(4))
    assert not joined.has_table(io.BytesIO(data)) and joined.has_table(io.BytesIO(encoded("mp3")))
    for number in (1, 2):
        assert len(audio.load(data * number)) == pytest.approx(number * len(TONE), abs=5_000)  # with the codec's padding


@pytest.mark.parametrize("name", ["vorbis", "opus"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_an_ogg_that_breaks_off_is_cut_off(name: str, share: float) -> None:
    data = encoded(name)
    with pytest.raises(audio.AudioError, match=r"is cut off: its last Ogg page begins at byte \d+ of \d+ and is not complete"):
        audio.load(data[: int(share * len(data))])
    with pytest.raises(audio.AudioError, match=rf"is damaged: its Ogg pages end at byte {len(data)} of {len(data) + 5_000}, expected"):
        audio.load(data + np.random.default_rng(0).bytes(5_000))
    assert len(audio.load(data + b"TAG" + bytes(125))) == len(audio.load(data))


@pytest.mark.parametrize("name", ["vorbis", "opus"])
def test_a_damaged_page_is_noticed(name: str) -> None:
    data = encoded(name)
    for place in (len(data) // 3, len(data) - 50):
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(audio.AudioError, match=r"is damaged: its Ogg page at byte \d+ has another checksum than when it was written"):
            audio.load(flipped)


def test_a_flac_with_another_number_of_samples_in_its_header_is_refused() -> None:
    data = encoded("flac")
    for number, words in (
        (4_096, "holds more than 4096 samples, expected as many"),
        (90_000, "is cut off: holds 32000 samples, expected the 90000"),
    ):
        changed = data[:21] + bytes([data[21] & 0xF0]) + number.to_bytes(4, "big") + data[26:]
        with pytest.raises(audio.AudioError, match=words):
            audio.load(changed)
    unknown = data[:21] + bytes([data[21] & 0xF0, 0, 0, 0, 0]) + data[26:]
    for same in (unknown, data + b"TAG" + bytes(125), ID3 + data):
        np.testing.assert_array_equal(audio.load(same), audio.load(data))


@pytest.mark.parametrize("format", ["WAV", "AIFF", "AU", "CAF"])
def test_a_tag_before_another_format_is_no_audio(format: str) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, TONE, RATE_HERTZ, format=format, subtype="PCM_16")
    for tag in (ID3, ID3_WITH_FOOTER, ID3_WITH_FOOTER + ID3):
        np.testing.assert_array_equal(audio.load(tag + buffer.getvalue()), audio.load(buffer.getvalue()))


def test_of_a_format_that_does_not_say_its_length_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, TONE, RATE_HERTZ, format="VOC", subtype="PCM_16")
    assert len(audio.load(buffer.getvalue())) == len(TONE)
    assert "is VOC, in which nothing tells whether it is whole" in caplog.text


def test_tags_whose_sizes_make_no_sense_are_no_tags() -> None:
    for tail in (
        b"APETAGEX" + bytes(24),
        b"APETAGEX" + b"\xff" * 24,
        b"999999LYRICS200",
        b"TAG",
        b"",
    ):
        assert joined.before_tags(io.BytesIO(b"audio" + tail)) == 5 + len(tail)
    assert joined.before_tags(io.BytesIO(b"audio" + b"TAG" + bytes(125))) == 5


@pytest.mark.parametrize("size", [0, 1, 45, 417, 1_000])
@pytest.mark.parametrize("tag", [b"", ID3], ids=["", "behind a tag"])
def test_a_table_that_ends_before_it_begins_is_not_believed(size: int, tag: bytes) -> None:
    data = bytearray(encoded("mp3"))
    table = max(data.find(b"Xing"), data.find(b"Info"))
    assert data[table + 7] & 2  # it has a size
    place = table + (12 if data[table + 7] & 1 else 8)
    data[place : place + 4] = size.to_bytes(4, "big")
    assert len(audio.load(tag + bytes(data))) >= len(TONE)


@pytest.mark.parametrize("size", [200, 1_000, 3_000])
def test_a_file_that_ends_in_its_first_tag_is_cut_off(size: int) -> None:
    tag = b"ID3\x04\0\x10\0\0\x20\0" + bytes(4_096) + b"3DI\x04\0\x10\0\0\x20\0"
    with pytest.raises(audio.AudioError, match=rf"is cut off: holds {size} bytes, expected audio after the 4116 of the tag"):
        audio.load((tag + encoded("flac"))[:size])


def test_an_ogg_without_its_last_page_is_read_and_said(caplog: pytest.LogCaptureFixture) -> None:
    data = encoded("opus")
    audio.load(data)
    assert not caplog.text
    assert len(audio.load(data[: data.rfind(b"OggS")])) < len(TONE)
    assert "is Ogg whose last page does not end it, so that nothing tells whether it is whole" in caplog.text


def test_a_flac_of_an_unknown_length_is_read_and_said(caplog: pytest.LogCaptureFixture) -> None:
    data = bytearray(encoded("flac"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    assert len(audio.load(bytes(data))) == len(TONE)
    assert "is FLAC of an unknown length, in which nothing tells whether it is whole" in caplog.text
