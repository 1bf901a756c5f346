"""Pictures: every kind and colour, upright, small; and what only looks like one."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from PIL import Image

from tests.web.pictures import ORIENTATION, opened, picture
from webchat.data import pictures
from webchat.data.pictures import AVATAR, NoPicture, avatar, examine
from webchat.settings import PROJECT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "picture"


def colour(image: Image.Image, x: float, y: float) -> str:
    """The colour at this part of width and height."""
    pixel = image.convert("RGB").getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(pixel, tuple)
    red, _, blue = pixel
    return "red" if red > blue else "blue"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_upright_however_it_was_held(path: Path, orientation: int) -> None:
    """The file holds red on its left; where that is to be shown is what EXIF's table says."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path.write_bytes(picture("JPEG", (600, 300), exif=exif))
    found = examine(path)
    assert found is not None
    small = opened(found.thumbnail)
    turned = orientation >= 5
    assert (found.width, found.height) == ((300, 600) if turned else (600, 300))
    assert small.size == ((240, 480) if turned else (480, 240))
    red_at = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}[orientation]
    x, y = {"left": (0.1, 0.5), "right": (0.9, 0.5), "top": (0.5, 0.1), "bottom": (0.5, 0.9)}[red_at]
    assert colour(small, x, y) == "red"
    assert colour(small, 1 - x, 1 - y) == "blue"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_kind_of_colours_is_understood(path: Path, mode: str) -> None:
    image = Image.new("RGBA", (700, 350), "red").convert("RGB").convert("L" if mode == "I;16" else mode.rstrip("A"))
    kind = "JPEG" if mode == "CMYK" else "PNG"
    if mode in ("LA", "RGBA"):
        image = Image.new(mode, (700, 350), (255, 0) if mode == "LA" else (255, 0, 0, 0))
    if mode in ("I;16", "I", "F"):
        image = Image.new("I;16", (700, 350), 500)
    image.save(path, kind)
    found = examine(path)
    assert found is not None
    small = opened(found.thumbnail)
    assert (found.width, found.height, small.size) == (700, 350, (480, 240))
    assert (small.mode == "RGBA") is (mode in ("LA", "RGBA")), "transparency stays"


def test_of_a_film_the_first_picture_is_shown(path: Path) -> None:
    frames = [Image.new("P", (600, 600), number) for number in range(3)]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    found = examine(path)
    assert found is not None
    assert getattr(opened(found.thumbnail), "n_frames", 1) == 1


def test_a_small_one_is_not_made_larger(path: Path) -> None:
    path.write_bytes(picture("PNG", (20, 10)))
    found = examine(path)
    assert found is not None
    assert opened(found.thumbnail).size == (20, 10)
    assert opened(avatar(path)).size == (10, 10)


@pytest.mark.parametrize("size", [(900, 300), (300, 900), (4000, 10), (256, 256), (1, 1)])
def test_an_avatar_is_the_middle_square(path: Path, size: tuple[int, int]) -> None:
    path.write_bytes(picture("PNG", size))
    side = min(AVATAR, *size)
    face = opened(avatar(path))
    assert face.size == (side, side)
    if side == AVATAR:
        assert (colour(face, 0.1, 0.5), colour(face, 0.9, 0.5)) == ("red", "blue")


def test_what_is_too_large_is_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "PIXELS_MAX", 1_000_000)
    monkeypatch.setattr(pictures, "JPEG_PIXELS_MAX", 9_000_000)
    for kind, side, progressive, taken in (
        ("PNG", 1000, False, True),
        ("PNG", 1001, False, False),
        ("JPEG", 2000, False, True),
        ("JPEG", 3001, False, False),
        ("JPEG", 2000, True, False),
    ):
        path.write_bytes(picture(kind, (side, side), progressive=progressive))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert (examine(path) is not None) is taken, (kind, side, progressive)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"<svg/>",
        picture("BMP"),
        picture("TIFF"),
        picture("PNG")[:-200],
        picture("JPEG")[:500],
        picture("WEBP")[:100],
        picture("GIF")[:30],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\xff" * 50,
        b"\xff\xd8\xff\xe0" + b"\xff" * 1000,
        b"GIF89a\xff\xff\xff\xff\xff\xff\xff" + b"\0" * 50,
    ],
)
def test_what_only_looks_like_one_is_none(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert examine(path) is None
    with pytest.raises(NoPicture):
        avatar(path)


def test_a_worker_that_sees_no_picture_does_without_pillow() -> None:
    code = "import sys, webchat.app, workers.comet; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
