"""Which way a request takes: what browsers, libraries and proxies send is plain; what is odd is not, and neither is
anything behind it on its connection.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.workers.answers import parse
from tests.workers.launched import until
from tests.workers.pair import Pair
from tests.workers.requests import AFTER, BODY, COMMON, Case, get, made, sized

pytest.importorskip("gunicorn_h1c", reason="without it no request is plain: there is nothing to compare")


def fast(raw: bytes) -> list[bool]:
    answers = parse(raw)
    assert all(answer.status == "HTTP/1.1 200 OK" for answer in answers), answers
    return [answer.fast for answer in answers]


@pytest.mark.parametrize("case", COMMON, ids=lambda case: case.name)
def test_what_browsers_and_proxies_send_is_plain(pair: Pair, case: Case) -> None:
    assert fast(pair.ours.ask(case.data * 3 + AFTER)) == [True] * 4
    assert fast(pair.stock.ask(case.data * 3 + AFTER)) == [False] * 4


@pytest.mark.parametrize(
    "data",
    [
        made(b"GET /x HTTP/1.0"),
        made(b"HEAD /x HTTP/1.1"),
        made(b"OPTIONS * HTTP/1.1"),
        get(target=b"//x"),
        get(target=b"/x#y"),
        get(target=b"http://chat.example/x"),
        get(b"X_Y: z"),
        get(b"X.Y_Z: z"),
        get(b"X: a", b"X: b"),
        get(b"X: a\n b"),
        get(b"X-Forwarded-Proto: https", b"X-Forwarded-Ssl: on"),
        get(b"Upgrade: h2c"),
        get(b"TE: trailers"),
        get(b"Y" * 251 + b": y"),
        sized(BODY, b"Expect: 100-continue"),
        sized(b"")[:-4].replace(b": 0", b": 0000000000000000") + b"\r\n\r\n",
        made(b"POST /x HTTP/1.1", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        b"\r\n" + get(),
        get().replace(b"\r\n", b"\n"),
    ],
    ids=lambda data: repr(data[:60]),
)
def test_what_is_odd_is_not(pair: Pair, data: bytes) -> None:
    answers = parse(pair.ours.ask(data), head=data.startswith(b"HEAD"))
    assert not any(answer.fast for answer in answers)
    # And neither is anything that follows: gunicorn's own loop has the connection.
    if not data.startswith(b"HEAD"):
        first, *rest = (answer.fast for answer in parse(pair.ours.ask(get() + data + get() + AFTER)))
        assert first
        assert not any(rest)


def test_what_python_sends_is_plain(pair: Pair) -> None:
    line = http.client.HTTPConnection(*pair.ours.address, timeout=5)
    for method, body in (
        ("GET", None),
        ("POST", b"hello"),
        ("PUT", b"hello"),
        ("DELETE", None),
        ("POST", b"b" * 200_000),
    ):
        line.request(method, "/x?y=z", body, {"Authorization": "Bearer a_b", "Content-Type": "application/json"})
        told = json.loads(line.getresponse().read())
        assert told["fast"]
        assert told["body"] == [(body or b"").decode()]
    line.close()


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_what_curl_sends_is_plain(pair: Pair) -> None:
    url = f"http://127.0.0.1:{pair.ours.address[1]}/x?y=z"
    for flags in ([], ["-d", '{"a": "b"}', "-H", "Content-Type: application/json"], ["-X", "DELETE"], ["-b", "a=b"]):
        done = subprocess.run(["curl", "-sS", *flags, url], capture_output=True, timeout=10, check=True)
        assert json.loads(done.stdout)["fast"], flags


@pytest.mark.skipif(not shutil.which("nginx"), reason="no nginx")
def test_what_nginx_passes_on_is_plain(pair: Pair, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "nginx.conf"
    temporary = " ".join(
        f"{kind}_temp_path {tmp_path};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n"
        f"upstream chat {{ server 127.0.0.1:{pair.ours.address[1]}; keepalive 4; }}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://chat; proxy_http_version 1.1;\n"
        'proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto https;\n'
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } } }\n"
    )
    nginx = subprocess.Popen(["nginx", "-c", str(config), "-e", f"{tmp_path}/log"], stderr=subprocess.DEVNULL)
    try:
        until("nginx listens", lambda: listens(port))
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        for body in (None, b"hello", b"b" * 100_000, None):
            line.request("POST" if body else "GET", "/x?y=z", body)
            told = json.loads(line.getresponse().read())
            assert told["fast"]
            assert told["seen"]["wsgi.url_scheme"] == "https"
        line.close()
    finally:
        nginx.kill()
        nginx.wait()


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
