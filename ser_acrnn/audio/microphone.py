"""A microphone -> mono samples at the network's rate, piece by piece, through the optional package sounddevice."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_acrnn import audio

WAIT_SECONDS = 0.2  # after which a stop is noticed, should the device be silent
BEHIND_SECONDS = 5.0  # of sound that waits to be taken
STALLED_SECONDS = 10.0

logger = logging.getLogger(__name__)


class MicrophoneError(ValueError):
    """There is nothing to listen with; the message names what was found, and what to install or to choose."""


def check(device: int | str | None = None) -> None:
    """Finds out whether there is something to listen with; argument and error as of `listen`."""
    sounddevice = _sounddevice()
    _default_rate(sounddevice, device)


def listen(
    device: int | str | None = None,
    *,
    seconds: float | None = None,
    stop: threading.Event | None = None,
    sampling_rate_hertz: int = 16_000,
    piece_seconds: float = 0.1,
) -> Iterator[NDArray[np.float32]]:
    """Listens until so many seconds have been heard, or until it is told to stop.

    The sound is collected by PortAudio's own thread, so that none is lost while the last piece is worked on.

    Args:
        device: Number, or part of the name, of an input device; None takes the system's.
        seconds: How long; None until `stop`.
        stop: Ends the listening when it is set.
        sampling_rate_hertz: Rate of the samples. A device without it is opened at its own rate and resampled.
        piece_seconds: Length of a piece.

    Yields:
        float32 samples in -1..1, shape `(samples,)`.

    Raises:
        MicrophoneError: sounddevice or PortAudio is not installed, there is no such device, or it gives no sound.
    """
    sounddevice = _sounddevice()
    rate = _rate(sounddevice, device, sampling_rate_hertz)
    heard = _heard(sounddevice, device, rate, seconds, stop or threading.Event(), piece_seconds)
    yield from audio.resampled(heard, rate, sampling_rate_hertz)


def _heard(
    sounddevice: Any, device: int | str | None, rate: int, seconds: float | None, stop: threading.Event, piece_seconds: float
) -> Iterator[NDArray[np.float32]]:
    """Samples at the device's rate."""
    waiting: queue.Queue[tuple[NDArray[np.float32], str]] = queue.Queue()

    def take(samples: NDArray[np.float32], frames: int, time: Any, status: Any) -> None:
        waiting.put((samples[:, 0].copy(), str(status) if status else ""))  # PortAudio uses its buffer again

    size, left = max(1, round(piece_seconds * rate)), None if seconds is None else round(seconds * rate)
    silent, warned = 0.0, False
    try:
        with sounddevice.InputStream(samplerate=rate, blocksize=size, device=device, channels=1, dtype="float32", callback=take):
            while not stop.is_set() and left != 0:
                try:
                    samples, status = waiting.get(timeout=WAIT_SECONDS)
                except queue.Empty:
                    silent += WAIT_SECONDS
                    if silent >= STALLED_SECONDS:
                        raise MicrophoneError(f"{_name(device)}: gave no sound for {STALLED_SECONDS:g} s, expected samples") from None
                    continue
                silent = 0.0
                if status:
                    logger.warning("%s: %s, some sound may be lost", _name(device), status)
                if not warned and waiting.qsize() * size > BEHIND_SECONDS * rate:
                    logger.warning("judging is slower than the sound comes: %.0f s wait; a longer hop helps", BEHIND_SECONDS)
                    warned = True
                samples = samples[:left]
                left = None if left is None else left - len(samples)
                yield samples
    except sounddevice.PortAudioError as error:
        raise MicrophoneError(f"{_name(device)}: cannot be listened to ({error}); {_found(sounddevice)}") from error
    while left != 0 and not waiting.empty():  # heard before the stop
        samples = waiting.get()[0][:left]
        left = None if left is None else left - len(samples)
        yield samples


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise MicrophoneError("listening needs the package sounddevice: pip install 'ser_acrnn[record]'") from error
    except OSError as error:
        where = "on Debian and Ubuntu by apt-get install libportaudio2"
        raise MicrophoneError(f"listening needs the PortAudio library ({error}), which is installed {where}") from error
    return sounddevice


def _rate(sounddevice: Any, device: int | str | None, wanted_hertz: int) -> int:
    """The wanted rate where the device has it, its own otherwise."""
    default = _default_rate(sounddevice, device)
    try:
        sounddevice.check_input_settings(device=device, channels=1, dtype="float32", samplerate=wanted_hertz)
    except (ValueError, sounddevice.PortAudioError):
        return default
    return wanted_hertz


def _default_rate(sounddevice: Any, device: int | str | None) -> int:
    try:
        return int(sounddevice.query_devices(device, "input")["default_samplerate"])
    except (ValueError, sounddevice.PortAudioError) as error:
        raise MicrophoneError(f"{_name(device)}: is no input device ({error}); {_found(sounddevice)}") from error


def _found(sounddevice: Any) -> str:
    inputs = [f"{number} {one['name']}" for number, one in enumerate(sounddevice.query_devices()) if one["max_input_channels"] > 0]
    return f"found the input devices {inputs}, expected one of them" if inputs else "found no input device, expected a microphone"


def _name(device: int | str | None) -> str:
    return "the system's microphone" if device is None else f"microphone {device!r}"
