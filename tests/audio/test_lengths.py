"""What a container announces of its length is that of its longest track; what is damaged or missing is refused."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from ser_acrnn import audio

RATE_HERTZ, SECONDS = 48_000, 2
NOISE = (0.3 * np.random.default_rng(0).uniform(-1, 1, RATE_HERTZ * SECONDS)).astype(np.float32)


def encoded(
    container: str,
    codec: str,
    *,
    rate_hertz: int = RATE_HERTZ,
    picture: str = "",
    picture_seconds: int = 6,
    start_seconds: int = 0,
    subtitle: bool = False,
    tracks: tuple[np.ndarray, ...] = (NOISE,),
    **options: str,
) -> bytes:
    """Tracks of audio, and a picture or a subtitle of another length."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=options) as output:
        streams = [output.add_stream(codec, rate=rate_hertz, layout="mono") for _ in tracks]
        for stream in streams:
            stream.bit_rate = 64_000
        shown: Any = output.add_stream(picture, rate=10, width=64, height=48) if picture else None
        text: Any = output.add_mux_stream("subrip", time_base=Fraction(1, 1_000)) if subtitle else None
        if text is not None:
            output.start_encoding()
            written = av.Packet(b"hello")
            written.stream, written.pts, written.dts, written.duration = text, 0, 0, 30_000
            output.mux(written)
        packets = [
            packet for stream, samples in zip(streams, tracks, strict=True) for packet in sound_packets(stream, samples, start_seconds)
        ]
        packets += picture_packets(shown, picture_seconds) if picture else []
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return buffer.getvalue()


def sound_packets(stream: Any, samples: np.ndarray, start_seconds: int) -> Iterator[Any]:
    if not len(samples):
        return
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = stream.rate, start_seconds * stream.rate
    resampler = av.AudioResampler(stream.format, "mono", stream.rate, 1_152)
    for resampled in [*resampler.resample(frame), *resampler.resample(None)]:
        yield from stream.encode(resampled)
    yield from stream.encode(None)


def picture_packets(stream: Any, seconds: int) -> Iterator[Any]:
    for number in range(10 * seconds):
        shade = np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8)
        yield from stream.encode(av.VideoFrame.from_ndarray(shade, format="rgb24").reformat(format="yuv420p"))
    yield from stream.encode(None)


def zeroed(data: bytes, count: int = 400) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(count) + data[middle + count :]


@pytest.mark.parametrize(("container", "codec"), [("wv", "wavpack"), ("mp4", "flac"), ("ac3", "ac3"), ("eac3", "eac3"), ("tta", "tta")])
def test_a_frame_whose_checksum_is_wrong_is_damaged(container: str, codec: str) -> None:
    data = encoded(container, codec)
    assert len(audio.load(data, RATE_HERTZ)) == pytest.approx(len(NOISE), abs=3_000)
    flipped = bytearray(data)
    flipped[len(data) // 2 + 50] ^= 8
    for damaged in (zeroed(data), bytes(flipped)):
        with pytest.raises(audio.AudioError, match="is cut off or damaged: FFmpeg reads"):
            audio.load(damaged)


@pytest.mark.parametrize(("container", "codec"), [("wv", "wavpack"), ("tta", "tta")])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_lossless_files_that_break_off_are_cut_off(container: str, codec: str, share: float) -> None:
    data = encoded(container, codec)
    with pytest.raises(audio.AudioError, match="is cut off"):
        audio.load(data[: int(share * len(data))])


@pytest.mark.parametrize(
    ("container", "codec", "picture"), [("asf", "wmav2", "wmv2"), ("matroska", "pcm_s16le", "mpeg4"), ("flv", "aac", "flv")]
)
@pytest.mark.parametrize("picture_seconds", [1, 6, 30])
def test_a_picture_may_last_longer_than_the_sound(container: str, codec: str, picture: str, picture_seconds: int) -> None:
    data = encoded(container, codec, picture=picture, picture_seconds=picture_seconds)
    assert len(audio.load(data, RATE_HERTZ)) == pytest.approx(len(NOISE), abs=5_000)


@pytest.mark.parametrize("start_seconds", [0, 5])
def test_a_sound_that_begins_late_is_whole(start_seconds: int) -> None:
    data = encoded("matroska", "pcm_s16le", start_seconds=start_seconds)
    assert len(audio.load(data, RATE_HERTZ)) == len(NOISE)


def test_a_subtitle_may_last_longer_than_the_sound() -> None:
    data = encoded("matroska", "pcm_s16le", subtitle=True)
    with av.open(io.BytesIO(data)) as opened:
        assert opened.duration == 30_000_000
    assert len(audio.load(data, RATE_HERTZ)) == len(NOISE)


@pytest.mark.parametrize(
    ("container", "codec", "picture"),
    [("matroska", "libopus", "mpeg4"), ("webm", "libopus", ""), ("flv", "aac", "flv"), ("flv", "aac", "")],
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_what_ends_before_the_announced_time_is_cut_off(container: str, codec: str, picture: str, share: float) -> None:
    data = encoded(container, codec, picture=picture)
    with pytest.raises(audio.AudioError, match="is cut off"):
        audio.load(data[: int(share * len(data))])


SILENCE = np.zeros_like(NOISE)
OTHER = (0.3 * np.random.default_rng(1).uniform(-1, 1, len(NOISE))).astype(np.float32)


@pytest.mark.parametrize(
    ("tracks", "judged"), [((NOISE, OTHER), 1), ((SILENCE, NOISE), 2), ((SILENCE, SILENCE, NOISE, OTHER), 3), ((NOISE[:0], NOISE), 2)]
)
def test_of_several_tracks_the_first_with_sound_is_judged_and_it_is_said(
    tracks: tuple[np.ndarray, ...], judged: int, caplog: pytest.LogCaptureFixture
) -> None:
    found = audio.load(encoded("matroska", "pcm_f32le", tracks=tracks), RATE_HERTZ)
    np.testing.assert_array_equal(found, NOISE)
    assert caplog.text.count(f"has {len(tracks)} audio tracks, track {judged} is judged") == 1


def test_one_track_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    audio.load(encoded("matroska", "pcm_f32le"))
    assert not caplog.text
    with pytest.raises(audio.AudioError, match="is silent"):
        audio.load(encoded("matroska", "pcm_f32le", tracks=(SILENCE, SILENCE)))


@pytest.mark.parametrize(
    ("container", "codec", "picture"),
    [
        ("avi", "pcm_s16le", "mpeg4"),
        ("avi", "mp2", ""),
        ("asf", "wmav2", "wmv2"),
        ("asf", "wmav2", ""),
        ("flv", "aac", "flv"),
        ("mp4", "aac", "mpeg4"),
        ("matroska", "pcm_s16le", "mpeg4"),
    ],
)
@pytest.mark.parametrize("share", [0.4, 0.95])
def test_a_file_smaller_than_its_header_says_is_cut_off(
    container: str, codec: str, picture: str, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    data = encoded(container, codec, picture=picture, picture_seconds=2)
    assert len(audio.load(data, RATE_HERTZ)) == pytest.approx(len(NOISE), abs=5_000) and not caplog.text
    with pytest.raises(audio.AudioError, match=r"is cut off: holds \d+ bytes, expected the \d+ that it announces"):
        audio.load(data[: int(share * len(data))])


def test_subtitles_hide_no_cut() -> None:
    data = encoded("matroska", "pcm_s16le", subtitle=True)
    with pytest.raises(audio.AudioError, match="is cut off"):
        audio.load(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("container", "codec", "options", "words"),
    [
        ("adts", "aac", {}, "raw ADTS AAC"),
        ("ac3", "ac3", {}, "raw AC-3"),
        ("eac3", "eac3", {}, "raw E-AC-3"),
        ("mp2", "mp2", {}, "MP2/3"),
        ("mpegts", "aac", {}, "MPEG-TS"),
        ("webm", "libopus", {"live": "1"}, "Matroska / WebM"),
    ],
)
def test_of_containers_that_announce_nothing_it_is_said(
    container: str, codec: str, options: dict[str, str], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = encoded(container, codec, **options)
    assert len(audio.load(data, RATE_HERTZ)) == pytest.approx(len(NOISE), abs=5_000)
    assert caplog.text.count(f"is {words}") == caplog.text.count("in which nothing tells whether it is whole") == 1


def test_a_length_that_is_an_estimate_refuses_nothing() -> None:
    for data in (
        encoded("matroska", "pcm_u8", rate_hertz=8_000, tracks=(np.tile(NOISE, 5),), live="1"),
        encoded("asf", "wmav2") + np.random.default_rng(0).bytes(9_000),
    ):
        assert len(audio.load(data, RATE_HERTZ)) > 0.9 * len(NOISE)


FOLLOWING = {"flac": ("flac", "flac"), "wav": ("wav", "pcm_s16le"), "m4a": ("mp4", "aac"), "mp3": ("mp3", "libmp3lame")}
FOLLOWING |= {"flv": ("flv", "aac"), "tta": ("tta", "tta"), "wma": ("asf", "wmav2")}


@pytest.mark.parametrize("first", ["m4a", "flv", "tta", "wma", "mp3"])
@pytest.mark.parametrize("second", ["wav", "m4a", "flac", "flv", "tta", "wma"])
def test_files_in_a_row_of_any_kind_are_one_recording(first: str, second: str, caplog: pytest.LogCaptureFixture) -> None:
    one, two = (encoded(*FOLLOWING[name]) for name in (first, second))
    expected = np.concatenate([audio.load(one, RATE_HERTZ), audio.load(two, RATE_HERTZ)])
    caplog.clear()
    np.testing.assert_array_equal(audio.load(one + two, RATE_HERTZ), expected)
    assert "is 2 files in a row, they are read as one recording" in caplog.text and "not read" not in caplog.text


@pytest.mark.parametrize("first", ["m4a", "flv", "tta", "mp3", "flac"])
def test_what_follows_and_is_not_read_is_said(first: str, caplog: pytest.LogCaptureFixture) -> None:
    data = encoded(*FOLLOWING[first])
    found = audio.load(data, RATE_HERTZ)
    tag = b"TAG" + bytes(125)
    ape = b"APETAGEX" + struct.pack("<IIII8x", 2_000, 32, 1, 0) + bytes(1_968)
    ape += b"APETAGEX" + struct.pack("<IIII8x", 2_000, 32, 1, 1 << 31)
    lyrics = b"LYRICSBEGIN" + bytes(989) + b"001000LYRICS200"
    id3 = b"ID3\3\0\0\0\0\x08\0" + bytes(20) + b"x" * 1_004
    for silent in (tag, id3, ape + tag, lyrics + tag, ape, bytes(5_000), bytes(9)):
        np.testing.assert_array_equal(audio.load(data + silent, RATE_HERTZ), found)
        assert not caplog.text, silent[:8]
    for junk in (np.random.default_rng(0).bytes(200_000), tag + np.random.default_rng(0).bytes(200_000)):
        caplog.clear()
        np.testing.assert_array_equal(audio.load(data + junk, RATE_HERTZ), found)
        assert caplog.text.count("not read") == 1


@pytest.mark.parametrize("container", sorted(FOLLOWING))
def test_a_changed_header_is_no_other_error_than_those_of_recordings(container: str) -> None:
    data, random = encoded(*FOLLOWING[container]), np.random.default_rng(0)
    for _ in range(40):
        changed = bytearray(data)
        for place in random.integers(0, 200, 4):
            changed[place] = random.choice([0, 1, 255, 128, random.integers(256)])
        try:
            audio.load(bytes(changed))
        except audio.AudioError as error:
            assert "expected" in str(error)


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"}


def test_fragments_that_nothing_counts_are_read_and_said(caplog: pytest.LogCaptureFixture) -> None:
    data = encoded("mp4", "aac", **FRAGMENTS)
    audio.load(data)
    assert not caplog.text  # an index of them ends the file
    fragments = [found.start() - 4 for found in re.finditer(b"moof", data)]
    for end in (fragments[2], data.rfind(b"mfra") - 4):
        caplog.clear()
        audio.load(data[:end])
        assert "in which nothing tells whether it is whole" in caplog.text


@pytest.mark.parametrize(("container", "codec"), [("matroska", "pcm_s16le"), ("webm", "libopus"), ("mp4", "aac")])
def test_what_the_times_leave_out_is_silence(container: str, codec: str, caplog: pytest.LogCaptureFixture) -> None:
    """As of a recorder that was muted, or of packets that got lost."""
    data, buffer, rate = encoded(container, codec, rate_hertz=48_000), io.BytesIO(), 48_000
    with av.open(io.BytesIO(data)) as source, av.open(buffer, "w", format=container) as target:
        copied = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.pts is None:
                continue
            begin = float(packet.pts * packet.time_base)
            if begin >= 1.0:
                packet.pts = packet.dts = packet.pts + round(3 / packet.time_base)
            packet.stream = copied
            target.mux(packet)
    found, whole = audio.load(buffer.getvalue(), rate), audio.load(data, rate)
    assert abs(len(found) - len(whole) - 3 * rate) < 0.05 * rate
    assert not found[int(1.2 * rate) : int(3.8 * rate)].any() and np.abs(found[int(4.2 * rate) : int(4.3 * rate)]).max() > 0
    assert "its times leave out 3.0" in caplog.text and "which are heard as silence" in caplog.text


def test_a_track_that_the_header_does_not_name_is_one_line() -> None:
    data = bytearray(encoded("flv", "aac", picture="flv", picture_seconds=1))
    assert data[4] == 5
    late = bytearray(encoded("flv", "aac", tracks=(np.tile(NOISE, 4),)))
    late[4] = 4
    picture = [tag for tag in flv_tags(bytes(data)) if tag[0] == 9]
    with pytest.raises(audio.AudioError, match=r"a track that begins after .* s of audio and that its header does not name"):
        audio.load(bytes(late) + b"".join(picture))


def flv_tags(data: bytes) -> Iterator[bytes]:
    """The tags of an FLV, each with the size behind it."""
    place = 13
    while place < len(data):
        end = place + 11 + int.from_bytes(data[place + 1 : place + 4], "big") + 4
        yield data[place:end]
        place = end
