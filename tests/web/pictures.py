"""Pictures for the tests, made by Pillow: of each kind, turned, with a place in it, broken."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

SIZE = (900, 300)
ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F


def picture(kind: str = "PNG", size: tuple[int, int] = SIZE, **options: Any) -> bytes:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def from_a_telephone() -> bytes:
    """A JPEG that lies on its side, and says who took it and where."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[MAKER] = "a maker"
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    return picture("JPEG", exif=exif)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))
