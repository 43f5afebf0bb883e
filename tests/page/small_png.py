"""Makes the pictures of the documentation small: at most 256 colours, and nothing else in the file.

Reads what browsers write (8 bits a channel, not interlaced), after the PNG specification, third
edition: chunks (5), filters (9.2), palettes (11.2.2).
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {2: 3, 6: 4}
MOST_COLOURS = 256
COARSE = 0xF8F8F8
"""Shades that differ in less than this are counted as one."""


def small(picture: bytes) -> bytes:
    """Return a picture with a palette of its 256 most frequent shades, without transparency.

    Raises:
        ValueError: it is no PNG picture, or of a kind that browsers do not write.
    """
    width, height, pixels = _pixels(picture)
    shades: dict[int, Counter[int]] = {}
    for colour, count in Counter(pixels).items():
        shades.setdefault(colour & COARSE, Counter())[colour] += count
    frequent = sorted(shades.values(), key=lambda one: -one.total())[:MOST_COLOURS]
    palette = [shade.most_common(1)[0][0] for shade in frequent]
    place = {colour: _nearest(colour, palette) for shade in shades.values() for colour in shade}
    indices = bytes(place[pixel] for pixel in pixels)
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, len(indices), width))
    return b"".join(
        [
            SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(colour.to_bytes(3) for colour in palette)),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def _nearest(colour: int, palette: list[int]) -> int:
    red, green, blue = colour >> 16, colour >> 8 & 255, colour & 255
    return min(
        range(len(palette)),
        key=lambda at: (
            (red - (palette[at] >> 16)) ** 2
            + (green - (palette[at] >> 8 & 255)) ** 2
            + (blue - (palette[at] & 255)) ** 2
        ),
    )


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not picture.startswith(SIGNATURE):
        raise ValueError("this is no PNG picture")
    at = len(SIGNATURE)
    while at < len(picture):
        length, kind = struct.unpack_from(">I4s", picture, at)
        yield kind, picture[at + 8 : at + 8 + length]
        at += length + 12


def _pixels(picture: bytes) -> tuple[int, int, list[int]]:
    """Return width, height, and each pixel as 0xRRGGBB."""
    chunks = list(_chunks(picture))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or interlaced or kind not in CHANNELS:
        raise ValueError("browsers write other pictures than this")
    channels = CHANNELS[kind]
    data = zlib.decompress(b"".join(content for name, content in chunks if name == b"IDAT"))
    size = width * channels
    above = bytes(size)
    pixels: list[int] = []
    for at in range(0, len(data), size + 1):
        above = _unfiltered(data[at], data[at + 1 : at + 1 + size], above, channels)
        reds, greens, blues = (above[channel::channels] for channel in range(3))
        pixels += [r << 16 | g << 8 | b for r, g, b in zip(reds, greens, blues, strict=True)]
    return width, height, pixels


def _unfiltered(how: int, line: bytes, above: bytes, channels: int) -> bytes:
    """Return a line as it was before it was filtered (9.2)."""
    if how == 0:
        return line
    found = bytearray(line)
    for at in range(len(found)):
        left = found[at - channels] if at >= channels else 0
        up = above[at]
        if how == 1:
            guess = left
        elif how == 2:
            guess = up
        elif how == 3:
            guess = (left + up) // 2
        else:
            guess = _paeth(left, up, above[at - channels] if at >= channels else 0)
        found[at] = (found[at] + guess) & 255
    return bytes(found)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))
