"""What a plain request is. Only a plain one takes the fast path; every other goes gunicorn's own way.

gunicorn's parser, with its policies on fields, lengths, codings and proxies, costs more than all the rest of a
request. None of these policies is written here a second time. A request is *plain* when none of them could make
a difference to it:

- one of the methods of an API, HTTP/1.1, a path that begins with one slash, printable ASCII;
- its head has arrived whole and is well-formed within gunicorn's limits (gunicorn_h1c judges);
- no field twice, none with an underscore, none that changes framing or protocol;
- at most one field of a trusted proxy that names the scheme;
- a Content-Length, if any, in plain digits.

`tests/workers/test_plain.py` sends plain and other requests to this worker and to the stock one, and compares.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from gevent.socket import socket
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.message import DEFAULT_MAX_HEADERFIELD_SIZE, MAX_HEADERS, MAX_REQUEST_LINE, HeaderPolicy

try:
    from gunicorn_h1c import IncompleteError, ParseError, parse_to_wsgi_environ
except ImportError:  # it has no wheel, and a C compiler is not everywhere: then no request is plain
    parse_to_wsgi_environ = None
    IncompleteError = ParseError = Exception

KNOWN_HOOKS = "gunicorn.config"  # where those are defined that do nothing
_REQUEST_LINE = re.compile(rb"(?:GET|POST|PUT|DELETE) (/(?:[!\"$-.0-~][!\"$-~]*)?) HTTP/1\.1\r\n")
# Names of fields with an underscore, and those that the parser would cut off (it has room for 250 bytes).
_ODD_NAME = re.compile(rb"\n(?:[^:\n]*_|[^:\n]{251})")
# Framing, protocol changes, and what gunicorn answers by itself.
# The parser calls a continuation line `HTTP_`.
_OTHER = (
    "HTTP_TRANSFER_ENCODING",
    "HTTP_EXPECT",
    "HTTP_UPGRADE",
    "HTTP_HTTP2_SETTINGS",
    "HTTP_TE",
    "HTTP_TRAILER",
    "HTTP_",
)
_ALWAYS = 9  # keys of the parser's environ besides the fields: method, path, query, protocol, scheme, 2 × 2 addresses
_DIGITS_MAX = 15


Schemes = tuple[tuple[str, str], ...]


class Plain(NamedTuple):
    """A plain request: `head` is the length of its head in bytes, `length` that of its body."""

    environ: dict[str, Any]
    head: int
    length: int
    close: bool


class Peer:
    """Both ends of one connection, and what gunicorn's configuration makes of them."""

    __slots__ = ("_client", "_limits", "_schemes", "_server")

    def __init__(self, rules: Rules, server: tuple[str, int], client: tuple[str, int]) -> None:
        self._server = rules.server(server)
        self._client = (client[0], str(client[1]))
        self._schemes = rules.schemes(client)
        self._limits = rules.limits

    def plain(self, data: bytes) -> Plain | None:
        """The request that `data` begins with, if it is a plain one."""
        line = _REQUEST_LINE.match(data)
        if line is None:
            return None
        try:
            environ = parse_to_wsgi_environ(data, self._server, self._client, "http", *self._limits)
        except (ParseError, IncompleteError):
            return None
        head: int = environ.pop("_consumed")
        # Without the request line and the empty one. Not CRLF: to the parser, a bare LF ends a line as well.
        fields = data.count(b"\n", 0, head) - 2
        if len(environ) != _ALWAYS + fields or not environ.keys().isdisjoint(_OTHER) or _ODD_NAME.search(data, 0, head):
            return None
        length = environ.get("CONTENT_LENGTH", "0")
        if not (length.isascii() and length.isdigit() and len(length) <= _DIGITS_MAX):
            return None
        named = [value == environ[key] for key, value in self._schemes if key in environ]
        if len(named) > 1:
            return None
        if named and named[0]:
            environ["wsgi.url_scheme"] = "https"
        environ["RAW_URI"] = line[1].decode("ascii")
        path = environ["PATH_INFO"]
        if "%" in path:
            environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        connection = environ.get("HTTP_CONNECTION")
        return Plain(environ, head, int(length), connection is not None and connection.lower().strip(" \t") == "close")


class Rules:
    """What of gunicorn's configuration a plain request is held against; the same for all connections."""

    def __init__(self, cfg: Config) -> None:
        self.limits = limits(cfg)
        self.server = lru_cache(lambda server: (server[0], str(server[1])))
        self._policy = _Policy(cfg)

    def schemes(self, client: tuple[str, int]) -> Schemes:
        """The fields that name the scheme, for a peer that may: in the environ's spelling, with what means TLS."""
        return self._policy.schemes if self._policy.trusts(client) else ()


class _Policy(HeaderPolicy):  # type: ignore[misc]  # gunicorn is untyped
    """gunicorn's own judgement on peers."""

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.schemes: Schemes = tuple(
            (f"HTTP_{name.replace('-', '_')}", value)
            for name, value in cfg.secure_scheme_headers.items()
            if "_" not in name  # those are in no plain request
        )

    def trusts(self, client: tuple[str, int]) -> bool:
        self.peer_addr = client
        return bool(self._peer_is_trusted_proxy())


class Reread(socket):  # type: ignore[misc]  # gevent is untyped
    """A connection whose first bytes have been read already: they are read once more."""

    def __init__(self, client: socket, data: bytes) -> None:
        super().__init__(client.family, client.type, client.proto, fileno=client.detach())
        self._read = data

    def recv(self, size: int, *flags: int) -> bytes:
        if self._read and not flags:
            data, self._read = self._read[:size], self._read[size:]
            return data
        received: bytes = super().recv(size, *flags)
        return received


def limits(cfg: Config) -> tuple[int, int, int]:
    """Request line, fields, bytes of a field: as gunicorn reads its own settings."""
    line, fields, field = cfg.limit_request_line, cfg.limit_request_fields, cfg.limit_request_field_size
    return (
        line if 0 < line < MAX_REQUEST_LINE else MAX_REQUEST_LINE,
        fields if 0 < fields <= MAX_HEADERS else MAX_HEADERS,
        field if field > 0 else DEFAULT_MAX_HEADERFIELD_SIZE,
    )


def possible(cfg: Config, log: Logger) -> bool:
    """Whether any request can be plain: nothing may be configured that the fast path leaves out."""
    return parse_to_wsgi_environ is not None and not (
        cfg.http_parser == "python"
        or cfg.is_ssl
        or cfg.protocol != "http"
        or cfg.http2_cleartext != "off"
        or cfg.proxy_protocol != "off"
        or cfg.permit_obsolete_folding
        or cfg.strip_header_spaces
        or cfg.casefold_http_method
        or cfg.permit_unconventional_http_method
        or cfg.permit_unconventional_http_version
        or not cfg.keepalive
        or log.access_log_enabled
        or type(log).access is not Logger.access  # as that for statsd
        or os.environ.get("SCRIPT_NAME")
        or any(hook.__module__ != KNOWN_HOOKS for hook in (cfg.pre_request, cfg.post_request))
    )
