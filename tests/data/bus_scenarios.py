"""What a doorbell of one server must do besides, against a real Valkey that is killed and frozen.

A process of its own, patched by gevent as a worker is: pytest is not. Usage: `bus_scenarios.py FOLDER`.
"""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import sys
import time
from pathlib import Path

from tests.contracts.bus_contract import ANN, BOB, CONTRACT, Scene, play, until
from tests.valkey import Server, loopback
from webchat.data.bus_redis import line
from webchat.entities.feed import Entry

OPTIONS = ["--save", "", "--appendonly", "no"]


class Single(Scene):
    """It starts empty for each scenario."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        (address,) = loopback(1)
        self.valkey = Server(folder, address, OPTIONS)
        self.url = f"unix://{self.valkey.socket}"
        self.valkey.start()

    def clear(self) -> None:
        super().clear()
        self.valkey.kill()
        self.valkey.start()

    def close(self) -> None:
        super().clear()
        self.valkey.kill()


def a_restarted_server_is_subscribed_anew_and_the_loss_is_told(scene: Single) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    scene.valkey.kill()
    until("it is deaf", lambda: bus.deaf, 2.0)
    bus.subscribe(BOB)  # during the outage: returns, and counts later
    scene.valkey.start()
    until("it hears again", lambda: not bus.deaf, 5.0)
    assert None in ear.missed_calls, "for anybody"
    bus.ring([Entry(ANN, 2, b"{}"), Entry(BOB, 1, b"{}")])
    until("both are heard", lambda: len(ear.rings) >= 2)


def what_was_rung_into_an_outage_is_heard_or_its_loss_is_told(scene: Single) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    scene.valkey.kill()
    until("it is deaf", lambda: bus.deaf, 2.0)
    started = time.monotonic()
    bus.ring([Entry(ANN, number, b"{}") for number in range(1, 11)])
    assert time.monotonic() - started < 0.1, "ringing does not wait"
    scene.valkey.start()
    # Which of the two depends on whose connection is back first.
    until("all are heard, or the loss is told", lambda: len(ear.rings) == 10 or ear.missed_calls, 5.0)


def a_frozen_server_is_noticed(scene: Single) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    scene.valkey.freeze()
    until("it is deaf", lambda: bus.deaf, 2.0)
    started = time.monotonic()
    bus.ring([Entry(ANN, 1, b"{}")])
    bus.subscribe(BOB)
    assert time.monotonic() - started < 0.1, "neither waits for a server that is known to be frozen"
    scene.valkey.thaw()
    until("it hears again", lambda: not bus.deaf, 6.0)
    bus.ring([Entry(BOB, 1, b"{}")])
    until("it is heard", lambda: Entry(BOB, 1, b"{}") in ear.rings)
    until("the loss is told", lambda: ear.missed_calls)


def killed_connections_come_back_within_a_second(scene: Single) -> None:
    bus, ear = scene.bus()
    bus.subscribe(ANN)
    for kind in ("pubsub", "normal"):
        ear.missed_calls.clear()
        scene.valkey.command("CLIENT", "KILL", "TYPE", kind)
        bus.ring([Entry(ANN, 1, b"{}")])
        until("it is heard, or the loss is told", lambda: ear.rings or ear.missed_calls, 1.0)
        until("it hears", lambda: not bus.deaf, 1.0)
        ear.rings.clear()


def a_quiet_connection_lasts(scene: Single) -> None:
    """None is made anew behind our back, on which the server's answers would pile up."""
    bus, ear = scene.bus()
    made = scene.valkey.command("INFO", "stats")["total_connections_received"]
    until_then = time.monotonic() + line.SOCKET_TIMEOUT + 0.5
    until("a while", lambda: time.monotonic() > until_then)
    assert not bus.deaf
    assert ear.missed_calls == []
    assert scene.valkey.command("INFO", "stats")["total_connections_received"] == made + 1, "but the one that asks"


SCENARIOS = [
    *CONTRACT,
    a_restarted_server_is_subscribed_anew_and_the_loss_is_told,
    what_was_rung_into_an_outage_is_heard_or_its_loss_is_told,
    a_frozen_server_is_noticed,
    killed_connections_come_back_within_a_second,
    a_quiet_connection_lasts,
]

if __name__ == "__main__":
    play(Single(Path(sys.argv[1])), SCENARIOS)
