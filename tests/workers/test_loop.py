"""The launcher's loop: real signals and sockets; and the back-off between restarts."""

from __future__ import annotations

import os
import signal
import socket

from workers.loop import Backoff, Loop


def test_a_signal_a_socket_and_a_timer_each_call_back() -> None:
    loop, heard = Loop(), []
    near, far = socket.socketpair()
    with near, far:

        def on_bytes() -> None:
            heard.append(near.recv(10).decode())
            loop.unwatch(near)
            os.kill(os.getpid(), signal.SIGUSR1)

        def on_signal() -> None:
            heard.append("signal")
            loop.finish(7)

        loop.on_signal(signal.SIGUSR1, on_signal)
        loop.watch(near, on_bytes)
        loop.later(0.02, lambda: far.send(b"socket"))
        loop.later(0.01, lambda: heard.append("timer"))
        assert loop.run() == 7
    assert heard == ["timer", "socket", "signal"]


def test_signal_handlers_are_as_before_when_it_ends() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    loop = Loop()
    loop.on_signal(signal.SIGUSR1, lambda: None)
    loop.later(0, lambda: loop.finish(0))
    loop.run()
    assert signal.getsignal(signal.SIGUSR1) == before


def test_the_first_code_counts() -> None:
    loop = Loop()
    loop.finish(3)
    loop.finish(0)
    assert loop.run() == 3


def test_a_child_that_ended_before_the_loop_ran_is_noticed() -> None:
    loop = Loop()
    loop.on_signal(signal.SIGCHLD, lambda: loop.finish(1))
    assert loop.run() == 1


def test_back_off_starts_at_nothing_doubles_and_ends_somewhere() -> None:
    backoff = Backoff(first=0.1, longest=0.5, steady=10)
    assert [backoff.after(uptime=0.2) for _ in range(6)] == [0, 0.1, 0.2, 0.4, 0.5, 0.5]


def test_back_off_forgives_after_a_steady_run() -> None:
    backoff = Backoff(steady=10)
    for _ in range(5):
        backoff.after(uptime=1)
    assert backoff.after(uptime=11) == 0
