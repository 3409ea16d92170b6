"""The head of an MPEG audio frame, of MP1, MP2 and MP3: whether it is one, and how long its frame is."""

from __future__ import annotations

_RATES_HERTZ = (44_100, 48_000, 32_000)  # of MPEG 1; half of them in MPEG 2, a quarter in 2.5
# In kbit/s, by whether it is MPEG 1, and by layer.
_KILOBITS = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def is_frame(head: bytes) -> bool:
    """Whether the head of a frame stands here: eleven ones, a version, a layer, a rate."""
    return len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 8 and head[1] & 6 != 0 and head[2] & 12 != 12


def frame_bytes(head: bytes) -> int:
    """The length of the frame that begins so, its head included; 0 of what is no frame, and of a free bit rate."""
    if not is_frame(head) or not 0 < head[2] >> 4 < 15:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate = _RATES_HERTZ[head[2] >> 2 & 3] >> {3: 0, 2: 1, 0: 2}[version]
    bits = 1_000 * _KILOBITS[version == 3, layer][(head[2] >> 4) - 1]
    padding = head[2] >> 1 & 1
    if layer == 1:
        return 4 * (12 * bits // rate + padding)
    return (72 if layer == 3 and version != 3 else 144) * bits // rate + padding
