"""Spans on their way to a collector: OTLP over HTTP, in its JSON form, which every OpenTelemetry collector takes.

Whoever adds a span never waits: they go into a queue of a fixed length, and a greenlet of this worker posts what is
there once a second. A collector that is slow, broken or away costs spans, which are counted in the log, and nothing
else.
"""

from __future__ import annotations

import enum
import http.client
import os
import platform
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import gevent
import msgspec
import structlog

EVERY = 1.0  # seconds between two posts
BATCH = 512  # spans of one post
QUEUE_MAX = 8 * BATCH  # spans that wait; more than that are dropped, the oldest first
PATIENCE = 5.0  # seconds for one post
LAST_POST = 1.0  # seconds that a stopping worker gives its last ones

log = structlog.get_logger()


class Kind(enum.IntEnum):
    """As OTLP numbers them."""

    INTERNAL = 1
    SERVER = 2
    PRODUCER = 4
    CONSUMER = 5


class Span(NamedTuple):
    """`trace` of 16 bytes, `id` of 8, `parent` of 8 or none; `start` and `end` in ns of Unix time."""

    trace: bytes
    id: bytes
    parent: bytes
    name: str
    kind: Kind
    start: int
    end: int
    attributes: Mapping[str, int | bool | str]


class Spans:
    """The queue and its greenlet. `url`: where to POST, checked by the settings; `worker`: this worker's name.

    The service's name and headers (a token, say) come from the variables that OpenTelemetry names for them.
    """

    def __init__(self, url: str, worker: str, environ: Mapping[str, str] = os.environ) -> None:
        self._url = urlsplit(url)
        self._headers = {"Content-Type": "application/json"} | _headers(environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
        service = environ.get("OTEL_SERVICE_NAME") or "webchat"
        about = {"service.name": service, "service.instance.id": worker, "host.name": platform.node()}
        self._resource = {"attributes": _attributes(about | {"process.pid": os.getpid()})}
        # Made once: reading the authorities' certificates takes milliseconds.
        self._tls = ssl.create_default_context() if self._url.scheme == "https" else None
        self._queue: deque[Span] = deque()
        self._greenlet: gevent.Greenlet | None = None
        self._failing = False
        self.dropped = 0

    def add(self, span: Span) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(span)

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Post what waits, if that is quick."""
        if self._greenlet is not None:
            self._greenlet.kill()
            with gevent.Timeout(LAST_POST, False):
                self._post_all()

    def _run(self) -> None:
        while True:
            gevent.sleep(EVERY)
            self._post_all()

    def _post_all(self) -> None:
        while self._queue:
            some = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            try:
                with gevent.Timeout(PATIENCE, TimeoutError("no answer")):
                    self._post(self._encode(some))
            except Exception as error:  # noqa: BLE001  whatever it is, the greenlet goes on
                self.dropped += len(some)
                if not self._failing:
                    log.warning("traces are lost: the collector does not take them", error=repr(error))
                self._failing = True
                return
            if self._failing:
                log.info("the collector takes traces again", dropped=self.dropped)
            self._failing = False

    def _post(self, body: bytes) -> None:
        """Where the process is patched, as a worker's is, this waits on the event loop and does not block it."""
        where = self._url.hostname or "", self._url.port
        connection = (
            http.client.HTTPSConnection(*where, timeout=PATIENCE, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(*where, timeout=PATIENCE)
        )
        try:
            path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
            connection.request("POST", path, body, self._headers)
            answer = connection.getresponse()
            answer.read()
            if not 200 <= answer.status < 300:
                raise http.client.HTTPException(f"{answer.status} {answer.reason}")
        finally:
            connection.close()

    def _encode(self, spans: Sequence[Span]) -> bytes:
        scope = {"scope": {"name": "webchat"}, "spans": [_span(span) for span in spans]}
        return msgspec.json.encode({"resourceSpans": [{"resource": self._resource, "scopeSpans": [scope]}]})


def _headers(text: str) -> dict[str, str]:
    """`name=value,name=value`, percent-encoded, as the OpenTelemetry specification has it."""
    pairs = (pair.partition("=") for pair in text.split(",") if pair.strip())
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}


def _span(span: Span) -> dict[str, Any]:
    """64-bit numbers are strings in OTLP's JSON, and ids are hexadecimal."""
    encoded = {
        "traceId": span.trace.hex(),
        "spanId": span.id.hex(),
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _attributes(span.attributes),
    }
    return encoded | ({"parentSpanId": span.parent.hex()} if span.parent else {})


def _attributes(values: Mapping[str, int | bool | str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: int | bool | str) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
