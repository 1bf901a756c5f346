"""The pair of workers that the tests of a file share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.workers.pair import Pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with Pair(tmp_path_factory.mktemp("pair")) as made:
        yield made
