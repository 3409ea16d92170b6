"""What the containers that FFmpeg reads announce of their length, beside what they hold."""

from __future__ import annotations

from typing import Any

from ser_acrnn.audio import mpeg
from ser_acrnn.audio.containers import HeaderError

_OF_THE_TRACK = ("ape", "mov", "tta", "wv")  # containers that announce how long the audio is
_OF_THE_LONGEST = ("asf", "flv", "matroska")  # and those that announce where the longest of their tracks ends
_SILENT = ("aac", "ac3", "amr", "amrnb", "amrwb", "dts", "eac3", "mp3", "mpeg", "mpegts")  # and those that announce nothing
_SIZED = ("asf", "avi", "matroska")  # and those whose header may say how large the file is
_PADDING_SAMPLES = 4_096  # that a codec adds or leaves out at both ends
_LEAST_SHARE = 0.005  # of what is announced


def is_told(format_name: str, announces_size: bool, announces_time: bool, duration: int | None) -> bool:
    """Whether anything tells that a file is whole.

    Args:
        format_name: FFmpeg's name of the container, or several with commas between.
        announces_size: See `ser_acrnn.audio.endings.announced_bytes`.
        announces_time: See `ser_acrnn.audio.endings.announces_time`.
        duration: That of its stream of audio as FFmpeg has it.
    """
    names = format_name.split(",")
    if any(name in names for name in _OF_THE_TRACK):
        return announces_time and bool(duration)
    if any(name in names for name in _SIZED):
        return announces_size or ("matroska" in names and announces_time)
    return not any(name in names for name in _SILENT)


class Reach:
    """Follows the packets of all tracks, as a picture or subtitles may last longer than the audio.

    Args:
        container: PyAV's.
        stream: Its stream of audio that is decoded.
        announces_time: See `ser_acrnn.audio.endings.announces_time`.
    """

    def __init__(self, container: Any, stream: Any, announces_time: bool) -> None:
        names = container.format.name.split(",")
        self._rate_hertz = stream.rate
        self._of_track = self._of_longest = 0.0  # seconds that are announced; 0 where none are
        if any(name in names for name in _OF_THE_TRACK) and stream.duration is not None:
            self._of_track = float(stream.duration * stream.time_base)
        if any(name in names for name in _OF_THE_LONGEST) and announces_time and container.duration is not None:
            self._of_longest = container.duration / 1e6
        self._frames = "mp3" in names
        self._last_frame = (b"", 0)
        self._ends: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._steps: dict[int, float] = {}

    def add(self, packet: Any) -> None:
        """Takes the next packet, of any stream."""
        if self._frames and packet.size:
            self._last_frame = bytes(packet)[:4], packet.size
        if packet.pts is None:
            return
        number, begin = packet.stream_index, float(packet.pts * packet.time_base)
        self._steps[number] = max(self._steps.get(number, 0.0), begin - self._last.get(number, begin))
        self._last[number] = begin
        seconds = float(packet.duration * packet.time_base) if packet.duration else self._steps[number]
        self._ends[number] = max(self._ends.get(number, 0.0), begin + seconds)

    def compare(self, heard_seconds: float) -> None:
        """After the last packet.

        Args:
            heard_seconds: The length of the audio that was decoded.

        Raises:
            HeaderError: The audio, or the longest of the tracks, ends before the time that is announced; or the last frame of MPEG audio
                is not complete.
        """
        head, size = self._last_frame
        if (expected := mpeg.frame_bytes(head)) > size:
            raise HeaderError(f"is cut off: its last frame holds {size} bytes, expected {expected}")
        if self._falls_short(heard_seconds, self._of_track):
            raise HeaderError(f"is cut off: holds {heard_seconds:.2f} s of audio, expected the {self._of_track:.2f} s that it announces")
        end = max([heard_seconds, *self._ends.values()])
        if self._falls_short(end, self._of_longest):
            raise HeaderError(f"is cut off: its last track ends after {end:.2f} s, expected the {self._of_longest:.2f} s that it announces")

    def _falls_short(self, found_seconds: float, announced_seconds: float) -> bool:
        return announced_seconds - found_seconds > _PADDING_SAMPLES / self._rate_hertz + _LEAST_SHARE * announced_seconds
