"""A collector of traces: OTLP over HTTP, JSON, as far as a test has to look into it."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


class Seen(NamedTuple):
    """A span, and who sent it."""

    worker: str
    span: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.span["name"])

    @property
    def start(self) -> int:
        return int(self.span["startTimeUnixNano"])

    @property
    def end(self) -> int:
        return int(self.span["endTimeUnixNano"])

    def said(self, key: str) -> Any:
        """An attribute."""
        [value] = [pair["value"] for pair in self.span["attributes"] if pair["key"] == key]
        [(kind, said)] = value.items()
        return int(said) if kind == "intValue" else said


class Collector:
    """Listens while the `with` block runs. `status`: what it answers; what it does not accept, it forgets."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: list[dict[str, str]] = []
        self.services: set[str] = set()
        self.refused = 0
        self._spans: list[Seen] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                if collector.status == 200:
                    collector.take(json.loads(body))
                else:
                    collector.refused += 1
                self.send_response(collector.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, posted: dict[str, Any]) -> None:
        for of_worker in posted["resourceSpans"]:
            about = {pair["key"]: pair["value"] for pair in of_worker["resource"]["attributes"]}
            self.services.add(about["service.name"]["stringValue"])
            worker = about["service.instance.id"]["stringValue"]
            self._spans += [Seen(worker, span) for scope in of_worker["scopeSpans"] for span in scope["spans"]]

    def forget(self) -> None:
        self._spans.clear()

    def trace_of(self, message: int) -> dict[str, list[Seen]]:
        """{name: spans} of the one trace of that message."""
        named: dict[str, list[Seen]] = defaultdict(list)
        mine = [seen for seen in self._spans if seen.said("webchat.message") == message]
        assert len({seen.span["traceId"] for seen in mine}) <= 1
        for seen in mine:
            named[seen.name].append(seen)
        return named
