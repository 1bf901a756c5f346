"""Planted bugs in what people are shown of one another."""

from __future__ import annotations

from webchat.data import blocks
from webchat.logic import profiles
from webchat.node import Node


def lost_blocks(node: Node) -> None:
    """A block is acknowledged and told, and not written."""
    blocks.add = lambda *_: None


def untold_profiles(node: Node) -> None:
    """A new profile is written, and told to nobody."""
    profiles._tell = lambda *_: None
