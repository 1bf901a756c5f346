"""Greenlets are lent, come back, and answers come before requests."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest
from gevent import get_hub, getcurrent
from gevent.event import Event

from workers import greenlets
from workers.greenlets import KEPT, Greenlets


def on_the_loop(work: Callable[[], object]) -> None:
    """Run it as a callback of the event loop, and all that follows from it."""
    get_hub().loop.run_callback(work)
    gevent.sleep(0.01)


def test_work_that_does_not_wait_takes_turns_on_one_greenlet() -> None:
    lent, seen = Greenlets(), []

    def many() -> None:
        for _ in range(100):
            lent.request(lambda: seen.append(getcurrent()))
            lent.answer(lambda: seen.append(getcurrent()))

    on_the_loop(many)
    assert len(seen) == 200
    assert len(set(seen)) == 1
    lent.kill()


def test_work_that_waits_keeps_its_greenlet_and_nobody_else() -> None:
    lent, go_on, done = Greenlets(), Event(), []

    def waiting() -> None:
        go_on.wait()
        done.append(getcurrent())

    for _ in range(2 * KEPT):
        on_the_loop(lambda: lent.request(waiting))
    assert done == []
    on_the_loop(lambda: lent.request(lambda: done.append("meanwhile")))
    assert done == ["meanwhile"]
    go_on.set()
    gevent.sleep(0.01)
    assert len(set(done)) == 2 * KEPT + 1
    assert lent.kept == KEPT
    lent.kill()


def test_answers_go_out_before_requests_and_neither_waits_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    lent, order = Greenlets(), []

    def all_at_once() -> None:
        lent.answer(lambda: order.append("answer"))
        lent.request(lambda: order.append("request"))
        lent.answer(lambda: order.append("answer"))

    on_the_loop(all_at_once)
    assert order == ["answer", "answer", "request"]
    order.clear()
    monkeypatch.setattr(greenlets, "ANSWERS", 0.0)  # one at a time
    monkeypatch.setattr(greenlets, "REQUESTS", 0.0)
    on_the_loop(all_at_once)
    assert order == ["answer", "request", "answer"]
    lent.kill()


def test_work_that_breaks_takes_its_greenlet_with_it_alone(capsys: pytest.CaptureFixture[str]) -> None:
    lent, done = Greenlets(), []
    on_the_loop(lambda: lent.request(lambda: 1 // 0))
    on_the_loop(lambda: lent.request(lambda: done.append(1)))
    assert done == [1]
    assert "ZeroDivisionError" in capsys.readouterr().err
    lent.kill()


def test_killing_ends_what_still_waits() -> None:
    lent, ended = Greenlets(), []

    def waiting() -> None:
        try:
            gevent.sleep(60)
        finally:
            ended.append(1)

    on_the_loop(lambda: lent.request(waiting))
    lent.kill()
    assert ended == [1]
