"""Text that is shown as a name: what it may hide, and what it may do to the text around it."""

from __future__ import annotations

import unicodedata

# They turn what stands around them: "gpj.exe" would read "exe.jpg".
TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# All that have a say in the direction (`Bidi_Control`); programs put marks into the names of files by themselves.
DIRECTIONS = TURNS | frozenset("\u061c\u200e\u200f")
# Letters and signs that have no shape: fillers of Hangul, the empty pattern of Braille.
_SHAPELESS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def is_visible(text: str) -> bool:
    """Whether there is anything to be seen: blanks, controls, joiners and marks alone are nothing."""
    return any(unicodedata.category(each)[0] not in "CMZ" and each not in _SHAPELESS for each in text)
