"""Who a text names as @NAME. Whether there is such a member, the transaction that writes the message finds out."""

from __future__ import annotations

import re

NAMES_MAX = 100  # different names of one message that are looked up

# Not within an address (`ann@example.org`), but right behind a Chinese word.
_MENTION = re.compile(r"(?<![A-Za-z0-9_.%+@-])@([A-Za-z0-9][A-Za-z0-9_.-]{1,31})(?![A-Za-z0-9_])")


def names(text: str) -> list[str]:
    """Every NAME that may be meant: a full stop or dash at the end may be one's own or the sentence's."""
    found: dict[str, None] = {}
    for match in _MENTION.finditer(text):
        name = match[1]
        found[name] = None
        while name[-1] in "_.-" and len(name) > 2:
            name = name[:-1]
            found[name] = None
    return list(found)[:NAMES_MAX]
