"""Any node delivers to anybody: two nodes, every request to one drawn at random, and things that break."""

from __future__ import annotations

import os
import random
import signal
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.client import Client, Reader, metric, until
from tests.conftest import Cluster, two_nodes
from tests.workers.launched import processes_of, valkey_of
from tests.workers.test_comet import workers

MESSAGES = 30


def chat(sender: Client, conversation: int, prefix: str, count: int = MESSAGES) -> list[str]:
    """Send in order; every send is repeated under its client id until it is acknowledged."""
    texts = [f"{prefix} {number}" for number in range(count)]
    for number, text in enumerate(texts):
        body = {"conversation": conversation, "text": text, "client_id": f"{prefix}-{number}"}
        until(f"{text} is acknowledged", partial(_sent, sender, body), 30)
    return texts


def _has(reader: Reader, count: int) -> bool:
    return len(reader.texts()) >= count


def _sent(sender: Client, body: dict[str, object]) -> bool:
    try:
        answer = sender.call("POST", "/api/messages", body)
    except OSError:
        return False
    assert answer.status in (200, 201, 503), answer
    return answer.status < 300


def check(readers: list[Reader], sent: list[list[str]], conversation: int) -> None:
    """Everybody saw everything once, in the conversation's one order; each sender's in the order sent."""
    total = sum(map(len, sent))
    for reader in readers:
        until(f"all {total} arrived, {len(reader.texts())} did", partial(_has, reader, total), 30)
    history = readers[0].client.history(conversation)
    assert [message["number"] for message in history] == list(range(1, total + 1))
    for reader in readers:
        assert [event["message"] for event in reader.of("message")] == history
    for texts in sent:
        assert [m["text"] for m in history if m["text"] in set(texts)] == texts


def test_two_chat_through_nodes_drawn_at_random(cluster: Cluster) -> None:
    ann, bob, talk = cluster.pair()
    sent: dict[str, list[str]] = {}
    with Reader(ann) as anns, Reader(bob) as bobs, Reader(bob) as bobs_phone:
        threads = [
            threading.Thread(target=lambda: sent.update(ann=chat(ann, talk, "ann"))),
            threading.Thread(target=lambda: sent.update(bob=chat(bob, talk, "bob"))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        check([anns, bobs, bobs_phone], [sent["ann"], sent["bob"]], talk)
    assert bob.state()["conversations"][0]["last_number"] == 2 * MESSAGES


def test_one_worker_of_all_tidies_up_and_indexes(cluster: Cluster) -> None:
    until("one has the duty", lambda: metric(cluster.nodes, "webchat_duty_workers") == 1)


@pytest.mark.parametrize("way", [(0, 1), (1, 0)], ids=["first to second", "second to first"])
def test_a_poll_that_waits_on_one_node_hears_a_send_on_the_other(cluster: Cluster, way: tuple[int, int]) -> None:
    ann, bob, talk = cluster.pair()
    ann.nodes, bob.nodes = [cluster.nodes[way[0]]], [cluster.nodes[way[1]]]
    with Reader(bob) as bobs:
        bob.poll(bobs.cursor, 0)  # the mailbox is open, the subscription stands
        message = ann.send(talk, "across")
        until("it arrived", lambda: bobs.of("message"), 2)
        assert bobs.of("message") == [{"type": "message", "message": message}]


def test_a_retry_on_the_other_node_gives_the_first_result(cluster: Cluster) -> None:
    ann, _, talk = cluster.pair()
    body = {"conversation": talk, "text": "once", "client_id": "the-same"}
    answers = []
    for node in random.sample(cluster.nodes * 5, 10):
        ann.nodes = [node]
        answers.append(ann.call("POST", "/api/messages", body))
    assert sorted(answer.status for answer in answers) == [200] * 9 + [201]
    assert len({answer.raw for answer in answers}) == 1
    assert len(ann.history(talk)) == 1


@pytest.mark.parametrize("casualty", ["a worker", "valkey", "valkey frozen"])
def test_nothing_is_lost_when_something_dies(own_cluster: Cluster, casualty: str) -> None:
    ann, bob, talk = own_cluster.pair()
    with Reader(ann) as anns, Reader(bob) as bobs:
        sent = [chat(ann, talk, "before", 5)]
        check([anns, bobs], sent, talk)
        victim = valkey_of(own_cluster.data) if casualty != "a worker" else workers(own_cluster.launched[0])[0]
        assert victim
        os.kill(victim, signal.SIGSTOP if casualty == "valkey frozen" else signal.SIGKILL)
        sent.append(chat(ann, talk, "during", 10))
        check([anns, bobs], sent, talk)
        if casualty == "valkey frozen":
            until("both nodes say so", lambda: _doorbells(own_cluster) == ["deaf", "deaf"], 5)
            sent.append(chat(bob, talk, "while deaf", 5))
            check([anns, bobs], sent, talk)
            os.kill(victim, signal.SIGCONT)
        until("all doorbells are heard", lambda: _doorbells(own_cluster) == ["heard", "heard"], 10)
        sent.append(chat(bob, talk, "after", 5))
        check([anns, bobs], sent, talk)


def _doorbells(cluster: Cluster) -> list[str]:
    found = []
    for node in cluster.nodes:
        try:
            answer = Client([node]).call("GET", "/readyz")
        except OSError:
            return []
        assert answer.status == 200, "a deaf worker goes on serving"
        assert (answer.body["status"] == "degraded") is (answer.body["doorbell"] == "deaf")
        found.append(answer.body["doorbell"])
    return found


def test_presence_follows_the_last_poll_and_does_not_flap(cluster: Cluster) -> None:
    ann, bob, _ = cluster.pair()
    assert [friend["online"] for friend in ann.state()["friends"]] == [False]
    with Reader(ann) as anns:
        with Reader(bob):
            until("bob came", lambda: anns.of("presence") == [{"type": "presence", "name": bob.name, "online": True}])
            until("both know", lambda: [friend["online"] for friend in bob.state()["friends"]] == [True])
            until("several polls passed", lambda: len(bob.poll(bob.cursor(), 1.5)["events"]) == 0)
        until("bob went", lambda: len(anns.of("presence")) == 2, 15)
        assert [event["online"] for event in anns.of("presence")] == [True, False]
    assert [friend["online"] for friend in ann.state()["friends"]] == [False]


def test_a_killed_nodes_users_go_offline_unless_they_came_back_elsewhere(tmp_path: Path) -> None:
    with two_nodes(tmp_path, dead_after="6") as cluster:
        first, second = cluster.nodes
        ann, bob, _ = cluster.pair()
        eve = cluster.user()
        ann.befriend(eve)
        ann.nodes = [second]
        for lost in (bob, eve):
            lost.nodes = [first]
            lost.poll(lost.cursor(), 0)
        online = {"type": "presence", "online": True}
        until("both are online", lambda: [friend["online"] for friend in ann.state()["friends"]] == [True, True])
        for pid in [cluster.launched[0].process.pid, *processes_with_workers(cluster)]:
            os.kill(pid, signal.SIGKILL)
        bob.nodes = [second]
        with Reader(ann) as anns, Reader(bob):
            until(
                "eve is offline, bob is not",
                lambda: {f["name"]: f["online"] for f in ann.state()["friends"]} == {bob.name: True, eve.name: False},
                60,
            )
            until("ann was told", lambda: {"type": "presence", "name": eve.name, "online": False} in anns.events)
            assert online | {"name": bob.name, "online": False} not in anns.events


def processes_with_workers(cluster: Cluster) -> list[int]:
    """The first node's gunicorn processes: they die with their launcher, without a word to anybody."""
    return [pid for pid in workers(cluster.launched[0]) if pid in processes_of(cluster.data)]
