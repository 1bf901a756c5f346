"""Switches between the harness and the plants in the workers: files in a folder, so that they outlive anybody.

A switch is on while its file exists; the file's text is its value. A *shot* is taken by whoever removes the
file first, so that one worker is hit, at one moment.
"""

from __future__ import annotations

from pathlib import Path


class Switches:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on(self, name: str, value: str = "") -> None:
        new = self.folder / f".{name}"
        new.write_text(value)
        new.rename(self.folder / name)  # never seen half written

    def off(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def is_on(self, name: str) -> bool:
        return (self.folder / name).exists()

    def value(self, name: str) -> str | None:
        """None while the switch is off."""
        try:
            return (self.folder / name).read_text()
        except FileNotFoundError:
            return None

    def take(self, name: str) -> bool:
        """Take a shot: true for exactly one caller in all processes."""
        try:
            (self.folder / name).unlink()
        except FileNotFoundError:
            return False
        return True
