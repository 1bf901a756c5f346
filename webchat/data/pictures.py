"""What a picture is, and smaller ones of it: Pillow, within bounds.

A picture is JPEG, PNG, GIF or WebP, whatever it is called. What is made of it is WebP, upright (the EXIF orientation
is honoured), one frame, and nothing but pixels: no EXIF, no place, no profile.

Everything here takes long and much memory: call it on a thread, one at a time. Pillow is imported there too, by the
first picture.
"""

from __future__ import annotations

import ctypes
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
FORMATS = ("JPEG", "PNG", "GIF", "WEBP")  # MPO: a JPEG with more pictures after the first
THUMBNAIL = 480  # pixels, the longer side
AVATAR = 256  # pixels, each side
# What is decoded at once; four bytes each. More is kept as a file like any other.
PIXELS_MAX = 40_000_000
# A JPEG is made smaller while it is decoded, so that a large camera's picture needs little memory.
JPEG_PIXELS_MAX = 250_000_000
QUALITY = 80
MADE = "image/webp"
_SMOOTH = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr")  # modes in which colours can be mixed
_ORIENTATION = 0x0112  # EXIF's tag
_FIRST_TURNED = 5  # orientations 5 to 8 swap width and height


class Picture(NamedTuple):
    """`type` as the content has it; its size as it is to be shown; the thumbnail, encoded."""

    type: str
    width: int
    height: int
    thumbnail: bytes


class NoPicture(Exception):
    """Not one that we know, broken, or too large."""


def examine(path: Path) -> Picture | None:
    """None for what is no picture, broken, or too large."""
    try:
        kind, (width, height), thumbnail = _shrunk(path, (THUMBNAIL, THUMBNAIL))
        return Picture(kind, width, height, _encoded(thumbnail))
    except NoPicture:
        return None


def thumbnail(path: Path) -> bytes:
    """Raises NoPicture."""
    return _encoded(_shrunk(path, (THUMBNAIL, THUMBNAIL))[2])


def avatar(path: Path) -> bytes:
    """The middle of the picture, square. Raises NoPicture."""
    from PIL import ImageOps

    small = _shrunk(path, (2 * AVATAR, 2 * AVATAR), whole=False)[2]
    side = min(AVATAR, *small.size)
    return _encoded(ImageOps.fit(small, (side, side)))


def _shrunk(path: Path, box: tuple[int, int], whole: bool = True) -> tuple[str, tuple[int, int], Image]:
    """Type, upright size and an upright copy: at most `box` large; if not `whole`, only its shorter side."""
    # Imported by name, so that Pillow does not load its other forty formats to find the fourth.
    from PIL import Image, ImageOps, WebPImagePlugin  # noqa: F401

    Image.MAX_IMAGE_PIXELS = None  # our own limits follow, before anything is decoded
    try:
        with Image.open(path, formats=FORMATS) as opened:
            kind = TYPES[opened.format or ""]
            width, height = opened.size
            _check(opened)
            if opened.getexif().get(_ORIENTATION, 1) >= _FIRST_TURNED:
                width, height = height, width
            colours = "RGBA" if opened.has_transparency_data else "RGB"
            # Small first, then the rest: each step makes a copy. What has a palette cannot be made small as it is.
            image: Any = opened if opened.mode in _SMOOTH else opened.convert(colours)
            image.thumbnail(box if whole else _around(image.size, min(box)))
            return kind, (width, height), ImageOps.exif_transpose(image).convert(colours)
    except NoPicture:
        raise
    # A decoder that is given rubbish may raise anything, and memory may not be enough.
    except Exception as error:
        raise NoPicture(repr(error)) from error
    finally:
        give_back()


def give_back() -> None:
    """What a large picture took goes back to the system; glibc would keep it, in a worker that may never need it again.

    After 36 megapixels a worker kept 150 MiB.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _around(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The size at which the shorter side is `side`, if it is longer now."""
    factor = min(1.0, side / min(size))
    return math.ceil(size[0] * factor), math.ceil(size[1] * factor)


def _check(image: Image) -> None:
    """Raises NoPicture where it would take too much memory; a JPEG is told to come smaller."""
    width, height = image.size
    if TYPES[image.format or ""] == "image/jpeg":
        if width * height > JPEG_PIXELS_MAX:
            raise NoPicture("too large")
        # A progressive one is unpacked whole in any case, two bytes for each of three colours.
        if not image.info.get("progressive"):
            image.draft(None, (2 * THUMBNAIL, 2 * THUMBNAIL))
    width, height = image.size
    if width * height > PIXELS_MAX:
        raise NoPicture("too large")


def _encoded(image: Image) -> bytes:
    made = io.BytesIO()
    image.save(made, "WEBP", quality=QUALITY, exif=b"", icc_profile=b"", xmp=b"")
    return made.getvalue()
