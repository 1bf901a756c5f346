"""The documents keep up with the code: what they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webchat.settings import PROJECT

DOCUMENTS = [*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")]


def names(document: Path) -> str:
    return str(document.relative_to(PROJECT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_every_test_that_is_named_exists(document: Path) -> None:
    for path, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", document.read_text()):
        source = PROJECT / path
        assert source.exists(), path
        assert not name or re.search(rf"^\s*(def|class) {name}\b|^{name} =", source.read_text(), re.MULTILINE), name


def test_every_promise_names_a_test() -> None:
    text = (PROJECT / "docs" / "guarantees.md").read_text().split("## What is not promised")[0]
    promises = re.split(r"\n(?=\d+\. )", text)[1:]
    assert len(promises) > 10
    for promise in promises:
        assert "`tests/" in promise, promise


def test_every_decision_is_listed() -> None:
    decisions = PROJECT / "docs" / "decisions"
    listed = (decisions / "README.md").read_text()
    for decision in decisions.glob("0*.md"):
        assert decision.name in listed
