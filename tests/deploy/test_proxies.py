"""The shipped nginx and HAProxy, with chat through them: what they must pass on, refuse, and never do twice."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import client
from tests.client import JSON, Answer, Client, Reader, until
from tests.conftest import Cluster
from tests.deploy.broken_node import BrokenNode
from tests.deploy.proxies import KINDS, Certificate, ProxiedClient, Proxy, missing, running

MIB = 1 << 20


def befriended(proxy: Proxy) -> tuple[Client, Client, int]:
    one, other = ProxiedClient(proxy).register(), ProxiedClient(proxy).register()
    return one, other, one.befriend(other)


def parked(nodes: list[client.Address]) -> int:
    return sum(
        int(float(line.split()[1]))
        for node in nodes
        for line in client.request(node, "GET", "/metrics").raw.decode().splitlines()
        if line.startswith("webchat_parked_polls ")
    )


# --- the longest poll

HOLD = (
    60.0  # seconds that a client may ask for at most (`WEBCHAT_POLL_HOLD` is less); every timeout on the way is longer
)


@pytest.fixture(scope="module", autouse=True)
def long_polls(certificate: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Future[float]]]:
    """One through each proxy to a node that holds it, while the other tests go on; the seconds until it came."""
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor())
        polls = []
        for kind in [kind for kind in KINDS if not missing(kind)]:
            node = stack.enter_context(BrokenNode(good=1, hold=HOLD))
            folder = tmp_path_factory.mktemp(f"long-{kind.program}") / "proxy"
            polls.append(pool.submit(held, stack.enter_context(running(kind, folder, [node.address], certificate))))
        yield polls


def held(proxy: Proxy) -> float:
    started = time.monotonic()
    answer = proxy.request("GET", "/api/events?after=x&timeout=60")
    assert (answer.status, answer.raw) == (200, b"{}")
    return time.monotonic() - started


# --- the configuration


def test_the_program_finds_no_fault(proxy: Proxy) -> None:
    said = proxy.check()
    assert said.returncode == 0, said.stderr
    assert "warn" not in (said.stdout + said.stderr).lower(), said.stderr


# --- chat through it


def test_a_poll_parks_and_a_send_ends_it(proxy: Proxy, cluster: Cluster) -> None:
    one, other, conversation = befriended(proxy)
    answers: list[tuple[float, Answer]] = []
    cursor = other.cursor()
    poll = threading.Thread(
        target=lambda: answers.append((time.monotonic(), other.call("GET", f"/api/events?after={cursor}&timeout=60")))
    )
    poll.start()
    until("it is parked", lambda: parked(cluster.nodes) == 1)
    one.send(conversation, "through the proxy")
    poll.join(10)
    ((_, answer),) = answers
    assert answer.status == 200, answer
    assert [event["message"]["text"] for event in answer.body["events"]] == ["through the proxy"]


def test_a_browser_that_leaves_ends_its_poll(proxy: Proxy, cluster: Cluster) -> None:
    user = ProxiedClient(proxy).register()
    target = f"/api/events?after={user.cursor()}&timeout=60"
    head = f"GET {target} HTTP/1.1\r\nHost: chat.example\r\nAuthorization: Bearer {user.token}\r\n\r\n"
    with proxy.tls.wrap_socket(socket.create_connection(proxy.address), server_hostname="chat.example") as line:
        line.sendall(head.encode())
        until("it is parked", lambda: parked(cluster.nodes) == 1)
    until("nothing is parked any more", lambda: parked(cluster.nodes) == 0)


def test_http_2_carries_a_poll_and_sends_on_one_connection(proxy: Proxy, certificate: Certificate) -> None:
    if not shutil.which("curl"):
        pytest.skip("no curl (Debian: apt install curl)")
    one, other, conversation = befriended(proxy)
    url = f"https://chat.example:{proxy.address[1]}/api"
    common = ["--http2", "--cacert", str(certificate.chain), "--resolve", f"*:{proxy.address[1]}:127.0.0.1"]
    common += ["-s", "-w", "%{http_version} %{http_code} %{num_connects}\\n", "-o", "/dev/null"]
    sends: list[str] = []
    for number in range(5):
        body = json.dumps({"conversation": conversation, "text": str(number), "client_id": f"h2-{number}"})
        sends += ["--next"] if sends else []
        sends += [*common, "-H", f"Authorization: Bearer {one.token}", "-H", "Content-Type: application/json"]
        sends += ["-d", body, f"{url}/messages"]
    cursor = other.cursor()
    poll = subprocess.Popen(
        ["curl", *common, "-H", f"Authorization: Bearer {other.token}", f"{url}/events?after={cursor}&timeout=60"],
        stdout=subprocess.PIPE,
        text=True,
    )
    said = subprocess.run(["curl", *sends], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == ["2 201 1"] + ["2 201 0"] * 4  # version, status, new connections
    assert poll.communicate(timeout=10)[0] == "2 200 1\n"


def test_a_browser_may_log_in_behind_it(proxy: Proxy) -> None:
    """Origin against Host, port included; and the cookie is for TLS alone, since the node knows the scheme."""
    user = ProxiedClient(proxy).register()
    origin = f"https://127.0.0.1:{proxy.address[1]}"
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin", "X-Webchat-Session": "main"}
    answer = ProxiedClient(proxy).call(
        "POST", "/api/session", {"name": user.name, "password": client.PASSWORD}, headers
    )
    assert answer.status == 200, answer
    assert "; Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_plain_http_is_sent_to_tls(proxy: Proxy) -> None:
    answer = client.request(proxy.plain, "GET", "/api/state?x=1", headers={"Host": "chat.example"})
    assert (answer.status, answer.headers["location"]) == (308, "https://chat.example/api/state?x=1")


def test_json_is_compressed_and_pages_are_revalidated(proxy: Proxy) -> None:
    accepting = {"Accept-Encoding": "gzip"}
    assert proxy.request("GET", "/api/openapi.json", headers=accepting).headers["content-encoding"] == "gzip"
    page = proxy.request("GET", "/", headers=accepting)
    assert page.headers["content-encoding"] == "gzip"
    again = proxy.request("GET", "/", headers=accepting | {"If-None-Match": page.headers["etag"]})
    assert (again.status, again.raw) == (304, b"")


# --- limits


def test_the_largest_upload_goes_through_and_comes_back(proxy: Proxy) -> None:
    user = ProxiedClient(proxy).register()
    content = secrets.token_bytes(25 * MIB)
    sent = user.call("POST", "/api/files?name=large.bin", content, {"Content-Type": "application/octet-stream"})
    assert sent.status == 201, sent
    got = user.call("GET", f"/api/files/{sent.body['file']['id']}")
    assert (got.status, got.raw == content) == (200, True)


def test_what_is_larger_is_refused_on_the_way_in(proxy: Proxy) -> None:
    user = ProxiedClient(proxy).register()
    octets = {"Content-Type": "application/octet-stream"}
    nodes_own = user.call("POST", "/api/files?name=x", bytes(25 * MIB + 1), octets)
    assert (nodes_own.status, nodes_own.body["detail"]) == (413, "a file has at most 25 MiB")
    assert nodes_own.headers["x-content-type-options"] == "nosniff"
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):  # it need not read it all
        answer = user.call("POST", "/api/files?name=x", bytes(27 * MIB), octets)
        assert (answer.status, answer.body["code"]) == (413, "too_large")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "x-content-type-options" not in answer.headers


def test_numbers_stay_inside(proxy: Proxy) -> None:
    assert proxy.request("GET", "/metrics").status == 404
    assert proxy.request("GET", "/healthz").status == 200


# --- what a node is told


def test_a_node_is_told_who_asks_and_how_and_nothing_that_the_client_made_up(
    kind: type[Proxy], certificate: Certificate, tmp_path: Path
) -> None:
    with BrokenNode(good=100) as node, running(kind, tmp_path / "proxy", [node.address], certificate) as proxy:
        made_up = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Forwarded-Ssl": "off"}
        made_up |= {"X-Forwarded-Protocol": "http", "X-Forwarded-Host": "evil.example", "Forwarded": "for=203.0.113.9"}
        assert proxy.request("GET", "/api/state", headers=made_up | {"Host": "chat.example:444"}).status == 200
        (seen,) = node.seen
    assert {name: value for name, value in seen.fields.items() if "forward" in name} == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
    }
    assert seen.fields["host"] == "chat.example:444"


# --- nodes that break


@pytest.fixture
def two_broken(kind: type[Proxy], certificate: Certificate, tmp_path: Path) -> Iterator[tuple[Proxy, list[BrokenNode]]]:
    """A proxy in front of two nodes that take every request and hang up on it."""
    with (
        BrokenNode() as one,
        BrokenNode() as other,
        running(kind, tmp_path / "proxy", [one.address, other.address], certificate) as proxy,
    ):
        yield proxy, [one, other]


def test_a_post_is_passed_on_once_and_its_failure_told(two_broken: tuple[Proxy, list[BrokenNode]]) -> None:
    proxy, nodes = two_broken
    answer = proxy.request("POST", "/api/messages", b"{}", JSON)
    assert (answer.status, answer.body["code"]) == (502, "no_node"), answer
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert [seen.path for node in nodes for seen in node.of("POST")] == ["/api/messages"]


def test_a_get_goes_to_another_node(two_broken: tuple[Proxy, list[BrokenNode]]) -> None:
    proxy, nodes = two_broken
    assert proxy.request("GET", "/api/events?after=x").status in (502, 503)
    assert all(node.of("GET") for node in nodes)


def test_a_post_on_a_connection_that_ends_at_that_moment_is_not_sent_again(
    kind: type[Proxy], certificate: Certificate, tmp_path: Path
) -> None:
    """The node hangs up on the second request of each connection: the proxy meets that on one that it kept."""
    with (
        BrokenNode(good=1) as one,
        BrokenNode(good=1) as other,
        running(kind, tmp_path / "proxy", [one.address, other.address], certificate) as proxy,
    ):
        failed = set()
        for first in range(0, 40, 2):
            with contextlib.closing(proxy.connect()) as connection:
                for path in (f"/{first}", f"/{first + 1}"):
                    try:
                        connection.request("POST", path, b"{}", JSON)
                        with connection.getresponse() as response:
                            response.read()
                            failed |= {path} if response.status != 200 else set()
                    except http.client.RemoteDisconnected:  # HAProxy passes a kept connection's sudden end on as it is
                        failed.add(path)
        paths = [seen.path for node in (one, other) for seen in node.of("POST")]
    assert len(paths) == len(set(paths)), "none arrived twice"
    assert failed & set(paths), "some did arrive, on a connection that was kept, and are not known to have"


def test_a_node_is_killed_in_mid_traffic(
    kind: type[Proxy], own_cluster: Cluster, certificate: Certificate, tmp_path: Path
) -> None:
    """No send is carried out twice or lost, and no poll is: its client need not even notice."""
    doomed, survivor = own_cluster.launched
    with running(kind, tmp_path / "proxy", own_cluster.nodes, certificate) as proxy:
        one, other, conversation = befriended(proxy)
        first_tries: list[int] = []
        texts: list[str] = []
        stop = threading.Event()

        def send() -> None:
            for number in itertools.count():
                if stop.is_set():
                    return
                body = {"conversation": conversation, "text": f"m{number}", "client_id": secrets.token_hex(8)}
                answer = one.call("POST", "/api/messages", body)
                first_tries.append(answer.status)
                while answer.status not in (200, 201):
                    time.sleep(0.05)
                    answer = one.call("POST", "/api/messages", body)
                texts.append(f"m{number}")

        with Reader(other) as reader:
            sender = threading.Thread(target=send)
            sender.start()
            until("messages have come through", lambda: len(reader.texts()) > 50)
            doomed.process.kill()
            reached = len(texts) + 100
            until("they go on through the other node", lambda: len(texts) > reached, 30)
            stop.set()
            sender.join(10)
            until("all have come", lambda: len(reader.texts()) >= len(texts))
        assert reader.texts() == texts
        assert 200 not in first_tries, "a first try that finds its message there was carried out before: sent twice"
        assert first_tries.count(201) > 100
        assert survivor.get("/readyz") == 200
        # The first node owned Valkey; polls that it held were held again by the other one.
        assert reader.failures == 0
        assert all(answer.status in (502, 503) for answer in reader.answers)


# --- at last


def test_no_proxy_cuts_a_poll_that_is_held_for_as_long_as_may_be(long_polls: list[Future[float]]) -> None:
    """They have been under way since the first test of this file."""
    if not long_polls:
        pytest.skip("no proxy is installed")
    for poll in long_polls:
        assert poll.result(HOLD + 10) >= HOLD
