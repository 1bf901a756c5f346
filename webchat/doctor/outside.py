"""The way in, as a browser meets it: certificate, what the proxy passes on, and when it cuts a held poll."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from webchat.doctor.finding import Finding, ok, problem, seconds, warning
from webchat.web.events import HOLD_MAX

PART = "from outside"
UPLOAD = 25 << 20  # bytes: what people may upload
EXPIRES_SOON = 14  # days
SLACK = 15.0  # seconds after which a poll that should have ended is called stuck
EXAMPLE = "deploy/nginx/nginx.conf and deploy/haproxy/haproxy.cfg show how"


class Got(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def code(self) -> str:
        """Of a problem+json; empty for what is none."""
        try:
            found = json.loads(self.body)["code"]
        except (ValueError, KeyError, TypeError):
            return ""
        return str(found)


class Site:
    """The chat at `url`, spoken to with `token` if there is one. All methods raise OSError and HTTPException."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        self.secure = parts.scheme != "http"
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.secure else 80)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.token = token
        self.tls = ssl.create_default_context()
        self.tls.set_alpn_protocols(["h2", "http/1.1"])

    def connect(self, seconds: float = 15.0) -> http.client.HTTPConnection:
        if self.secure:
            return http.client.HTTPSConnection(
                self.host, self.port, timeout=seconds, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(self.host, self.port, timeout=seconds)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        wait: float = 15.0,
    ) -> Got:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        connection = self.connect(wait)
        try:
            connection.request(method, path, body, bearer | (headers or {}))
            answer = connection.getresponse()
            return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()


def examine(url: str, token: str, hold: float = HOLD_MAX) -> Iterator[Finding]:
    """`hold`: seconds for which the poll asks to be held."""
    site = Site(url, token)
    if not site.host:
        yield problem(PART, f"{url} is no address", "https://chat.example")
        return
    try:
        started = time.perf_counter()
        alive = site.ask("GET", "/healthz")
        took = time.perf_counter() - started
    except ssl.SSLCertVerificationError as error:
        yield problem(PART, f"browsers refuse its certificate: {error.verify_message}", "a certificate for this name")
        return
    except (OSError, http.client.HTTPException) as error:
        yield problem(PART, f"{site.origin} does not answer: {error}", "name, port, firewall, and that the proxy runs")
        return
    if alive.status != 200:
        yield problem(PART, f"/healthz is answered {alive.status}", f"does the proxy find a node? {EXAMPLE}")
        return
    yield ok(PART, f"{site.origin} answers in {seconds(took)}")
    for look in (certificate, protocol, host_passed_on, numbers, uploads):
        try:
            yield from look(site)
        except (OSError, http.client.HTTPException) as error:
            yield problem(PART, f"{look.__name__.replace('_', ' ')}: {error!r}", EXAMPLE)
    yield from held_poll(site, hold)


def certificate(site: Site) -> Iterator[Finding]:
    if not site.secure:
        yield warning(PART, "plain HTTP: whoever is on the way reads along", f"TLS in the proxy; {EXAMPLE}")
        return
    with _tls(site) as line:
        details: Any = line.getpeercert() or {}
    days = (ssl.cert_time_to_seconds(details["notAfter"]) - time.time()) / 86_400
    says = f"its certificate ends in {days:.0f} days"
    yield ok(PART, says) if days > EXPIRES_SOON else warning(PART, says, "renew it, and let that happen by itself")


def protocol(site: Site) -> Iterator[Finding]:
    if not site.secure:
        return
    with _tls(site) as line:
        chosen = line.selected_alpn_protocol()
    if chosen == "h2":
        yield ok(PART, "it speaks HTTP/2: a poll and everything else on one connection")
    else:
        yield warning(
            PART,
            "it does not speak HTTP/2: a browser has six connections, and the polls of several tabs may take them",
            f"HTTP/2 in the proxy; {EXAMPLE}",
        )


def _tls(site: Site) -> ssl.SSLSocket:
    line = socket.create_connection((site.host, site.port), timeout=15)
    return site.tls.wrap_socket(line, server_hostname=site.host)


def host_passed_on(site: Site) -> Iterator[Finding]:
    """A browser's log-in, by nobody: refused for the password where all is well, as a foreign page's where not."""
    nobody = json.dumps({"name": "doctor", "password": "nobody's, wrong on purpose"}).encode()
    headers = {"Content-Type": "application/json", "Origin": site.origin, "X-Webchat-Session": "doctor"}
    got = site.ask("POST", "/api/session", nobody, headers)
    if got.code == "foreign_origin":
        yield problem(
            PART,
            "the node is not told the Host that the browser names: every change will be refused as a foreign page's",
            f"pass Host on as it is, port included; {EXAMPLE}",
        )
    elif got.status in (401, 429):
        yield ok(PART, "Host is passed on as it is")
    else:
        yield problem(PART, f"a log-in is answered {got.status} {got.code}", "the log of the node says more")


def numbers(site: Site) -> Iterator[Finding]:
    if site.ask("GET", "/metrics").status == 200:
        yield warning(PART, "everybody may read /metrics", f"let the proxy refuse it; {EXAMPLE}")
    else:
        yield ok(PART, "/metrics is not for everybody")


def uploads(site: Site) -> Iterator[Finding]:
    """A body as large as an upload: a node's own refusals say `nosniff`, a proxy's do not."""
    try:
        got = site.ask("POST", "/api/messages", bytes(UPLOAD), {"Content-Type": "application/json"}, 120)
    except OSError:  # cut off while we still sent
        got = Got(413, {}, b"")
    if "x-content-type-options" in got.headers:
        yield ok(PART, f"bodies of {UPLOAD >> 20} MiB are passed on")
    else:
        yield problem(
            PART,
            f"a body of {UPLOAD >> 20} MiB does not reach a node (answered {got.status} on the way)",
            f"client_max_body_size 26m; {EXAMPLE}",
        )


def held_poll(site: Site, hold: float) -> Iterator[Finding]:
    """Park a poll, and see who ends it."""
    if not site.token:
        yield warning(
            PART,
            "no poll was parked: that takes somebody who may",
            "--token-file FILE, with the token that POST /api/tokens gives for a name and a password",
        )
        return
    try:
        state = site.ask("GET", "/api/state")
        if state.status != 200:
            yield problem(PART, f"the token is refused: {state.status} {state.code}", "a new one from POST /api/tokens")
            return
        cursor = json.loads(state.body)["cursor"]
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        yield problem(PART, f"the state cannot be read: {error!r}", EXAMPLE)
        return
    started = time.monotonic()
    try:
        while True:  # news may end it: then it is parked anew
            left = hold - (time.monotonic() - started)
            got = site.ask("GET", f"/api/events?after={cursor}&timeout={max(left, 0):.1f}", None, None, hold + SLACK)
            if got.status != 200 or left <= 1 or time.monotonic() - started >= hold - 0.5:
                break
            cursor = json.loads(got.body)["cursor"]
        how = "" if got.status == 200 else f"answered {got.status} by the proxy"
    except TimeoutError:
        how = "never answered"
    except (OSError, http.client.HTTPException) as error:
        how = f"cut off ({error!r})"
    took = time.monotonic() - started
    if how:
        yield problem(
            PART,
            f"a poll that asked to be held for {hold:g} s was {how} after {took:.0f} s",
            f"timeouts of 75 s on everything in between (a balancer of the provider's included); {EXAMPLE}",
        )
    else:
        yield ok(PART, f"a poll was held for {took:.0f} s, and nothing on the way cut it")
