"""What the containers that FFmpeg reads announce of their length, beside what they hold."""

from __future__ import annotations

from typing import Any

from ser_acrnn.audio.containers import HeaderError

_OF_THE_TRACK = ("ape", "mov", "tta", "wv")  # containers that announce how long the audio is
_OF_THE_LONGEST = ("asf", "flv", "matroska")  # and those that announce where the longest of their tracks ends
_PADDING_SAMPLES = 4_096  # that a codec adds or leaves out at both ends
_LEAST_SHARE = 0.005  # of what is announced


class Reach:
    """Follows the packets of all tracks, as a picture or subtitles may last longer than the audio.

    Args:
        container: PyAV's.
        stream: Its stream of audio that is decoded.
    """

    def __init__(self, container: Any, stream: Any) -> None:
        names = container.format.name.split(",")
        self._rate_hertz = stream.rate
        self._of_track = self._of_longest = 0.0  # seconds that are announced; 0 where none are
        if any(name in names for name in _OF_THE_TRACK) and stream.duration is not None:
            self._of_track = float(stream.duration * stream.time_base)
        if any(name in names for name in _OF_THE_LONGEST) and container.duration is not None:
            self._of_longest = container.duration / 1e6
        self._ends: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._steps: dict[int, float] = {}

    def add(self, packet: Any) -> None:
        """Takes the next packet, of any stream."""
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
            HeaderError: The audio, or the longest of the tracks, ends before the time that is announced.
        """
        if self._falls_short(heard_seconds, self._of_track):
            raise HeaderError(f"is cut off: holds {heard_seconds:.2f} s of audio, expected the {self._of_track:.2f} s that it announces")
        end = max([heard_seconds, *self._ends.values()])
        if self._falls_short(end, self._of_longest):
            raise HeaderError(f"is cut off: its last track ends after {end:.2f} s, expected the {self._of_longest:.2f} s that it announces")

    def _falls_short(self, found_seconds: float, announced_seconds: float) -> bool:
        return announced_seconds - found_seconds > _PADDING_SAMPLES / self._rate_hertz + _LEAST_SHARE * announced_seconds
