"""Every setting of the server: its name, type, default and meaning, in one table.

A field `poll_hold` is read from the environment variable `WEBCHAT_POLL_HOLD`; flags of `webchat serve`
override the environment. `tests/test_settings.py` holds the README's table against this class.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from webchat import redis_url
from webchat.errors import SetupError

PREFIX = "WEBCHAT_"
PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_DATA = PROJECT / "data"

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Days = Annotated[int, Meta(ge=0, le=36_500)]
Timeout = Annotated[float, Meta(ge=0.1, le=60)]  # seconds
Rate = Annotated[str, Meta(pattern=r"^[1-9]\d*/([1-9]\d* )?(second|minute|hour|day)s?$")]
_FILE_TYPE = r"!?[\w.+*-]+/[\w.+*-]+"
_FILE_TYPES = re.compile(rf"{_FILE_TYPE}(,{_FILE_TYPE})*")
Port = Annotated[int, Meta(ge=0, le=65535)]


def setting(default: Any, doc: str) -> Any:
    """A field with its default; `doc` is what the README's table says of it."""
    DOCS.append(doc)
    return default


DOCS: list[str] = []


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What one node is told; see `DOCS` (same order as the fields) for the meaning of each."""

    host: str = setting("127.0.0.1", "address to listen on")
    port: Port = setting(8000, "port to listen on; 0 lets the system choose")
    workers: Positive = setting(2, "comet worker processes of this node")
    data: str = setting(str(DEFAULT_DATA), "folder of the database, the bundled Valkey's socket and run files")
    demo: bool = setting(True, "create the two demo accounts (only on loopback with the default database)")
    database_url: str = setting(
        "", "database; empty: SQLite in the data folder; `sqlite:///PATH`: another file; `postgresql://USER@HOST/NAME`"
    )
    database_pool: Annotated[int, Meta(ge=4)] = setting(
        8, "PostgreSQL connections of one worker, at most; all workers' together must fit its `max_connections`"
    )
    database_statement_timeout: Timeout = setting(
        5.0, "seconds that PostgreSQL gives a statement; after one more without a sign of it, a connection is given up"
    )
    database_lock_timeout: Timeout = setting(
        3.0, "seconds that a statement waits at PostgreSQL for a row which another transaction holds"
    )
    database_idle_timeout: Timeout = setting(
        5.0, "seconds after which PostgreSQL ends a transaction whose worker asks for nothing: it was cut off"
    )
    replica_url: str = setting(
        "", "a PostgreSQL standby for history and search, `postgresql://…`; as many connections as to the database"
    )
    redis_url: str = setting(
        "",
        "the doorbell; empty: the bundled Valkey, else `valkey-server` or `redis-server` on PATH; `redis://HOST`, "
        "`unix:///PATH`, `redis+sentinel://HOST,HOST/SERVICE`, `redis+cluster://HOST,HOST`, or `rediss…` for TLS",
    )
    poll_hold: Seconds = setting(
        25.0, "seconds a poll with no news is held (under the 30 s at which common proxies cut)"
    )
    linger: Seconds = setting(60.0, "seconds a mailbox, and with it presence, outlives its user's last poll")
    dead_after: Seconds = setting(30.0, "seconds without a sign of life until a worker's users count as offline")
    polls_per_session: Positive = setting(6, "parked polls of one session in one worker; the newest evicts the oldest")
    polls_per_user: Positive = setting(24, "parked polls of one user in one worker; the newest evicts the oldest")
    connections: Positive = setting(10_000, "connections one worker accepts; at most 80 % of them may be parked polls")
    limit_register: Rate = setting("60/minute", "registrations per client address and worker")
    limit_login: Rate = setting(
        "20/minute", "attempts to log in per account name and worker, and ten times as many failures per client address"
    )
    limit_friends: Rate = setting("60/minute", "changes of friends, groups, blocks and profiles per user and worker")
    limit_upload: Rate = setting("60/minute", "uploads per user and worker")
    limit_export: Rate = setting(
        "6/10 minute", "downloads of all of one's data per user and worker: each reads as much as there is"
    )
    files: str = setting("", "folder of uploaded files, shared by all hosts; empty: `files` in the data folder")
    file_max: Positive = setting(25, "MiB of one uploaded file, at most")
    file_types: str = setting(
        "*/*", "media types that may be uploaded, separated by commas; with `!` in front, those that may not"
    )
    files_unsent: Positive = setting(250, "MiB of files that one user may have uploaded and not sent yet")
    limit_send: Rate = setting("200/10 second", "sends, read marks and receipts per user and worker")
    limit_typing: Rate = setting("20/10 second", "signs of typing per user and worker")
    group_max: Annotated[int, Meta(ge=2, le=10_000)] = setting(500, "members of a group, at most")
    session_days: Positive = setting(30, "days until a session or token ends")
    feed_keep: Annotated[int, Meta(ge=100)] = setting(
        10_000, "entries a feed keeps; older cursors are answered `reset`"
    )
    # Above the longest statement (`database_statement_timeout`): a send under way is answered before its worker ends.
    keep_feed_days: Days = setting(0, "days that a feed keeps entries, where it may; 0: however old they are")
    keep_messages_days: Days = setting(0, "days that messages are kept, with all that hangs on them; 0: for ever")
    drain: Seconds = setting(6.0, "seconds a stopping worker waits for idle connections and last answers")
    forwarded_allow_ips: str = setting(
        "127.0.0.1,::1", "proxies whose X-Forwarded-* headers are believed: addresses, networks, or `*`"
    )
    traces_url: str = setting(
        "", "an OpenTelemetry collector for traces of messages, `http://HOST:4318/v1/traces` (OTLP/HTTP); empty: none"
    )
    traces_share: Annotated[float, Meta(gt=0, le=1)] = setting(0.01, "of all messages, with `WEBCHAT_TRACES_URL`")
    log_level: Literal["debug", "info", "warning", "error"] = setting("info", "debug, info, warning or error")
    log_format: Literal["auto", "json", "console"] = setting("auto", "json, console, or auto: console on a terminal")

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
        """Read the environment, then the overrides (None: not given).

        Raises SetupError with the variable's name where a value does not fit, and where a `WEBCHAT_`
        variable is not a setting (a typing error that would otherwise be silent).
        """
        values: dict[str, Any] = {}
        for variable, value in environ.items():
            if not variable.startswith(PREFIX) or variable.startswith(f"{PREFIX}TEST_"):
                continue
            name = variable.removeprefix(PREFIX).lower()
            if name not in cls.__struct_fields__:
                raise SetupError(f"{variable} is not a setting; see the table in README.md")
            values[name] = value
        values |= {name: value for name, value in overrides.items() if value is not None}
        checked = {}
        for field, doc in zip(msgspec.structs.fields(cls), DOCS, strict=True):
            if field.name in values:
                try:
                    checked[field.name] = msgspec.convert(values[field.name], field.type, strict=False)
                except msgspec.ValidationError as error:
                    raise SetupError(f"{PREFIX}{field.name.upper()}={values[field.name]}: {error} ({doc})") from None
        loaded = cls(**checked)
        _check(loaded)
        return loaded

    def environ(self) -> dict[str, str]:
        """The same settings as environment variables, for a child process."""
        return {f"{PREFIX}{name.upper()}": _text(getattr(self, name)) for name in self.__struct_fields__}

    @property
    def folder(self) -> Path:
        return Path(self.data).expanduser().resolve()

    @property
    def files_folder(self) -> Path:
        return Path(self.files).expanduser().resolve() if self.files else self.folder / "files"

    @property
    def on_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def on_default_database(self) -> bool:
        return not self.database_url and self.folder == DEFAULT_DATA


def _check(loaded: Settings) -> None:
    """What the types of the fields do not say. Raises SetupError with the variable's name."""
    if loaded.redis_url:
        redis_url.parse(loaded.redis_url)
    if loaded.traces_url:
        _check_traces_url(loaded.traces_url)
    for name, value, folder in (("DATA", loaded.data, loaded.folder), ("FILES", loaded.files, loaded.files_folder)):
        if _is_file(folder):
            raise SetupError(f"{PREFIX}{name}={value}: this is a file; name a folder")
    if not _FILE_TYPES.fullmatch(loaded.file_types):
        raise SetupError(f"{PREFIX}FILE_TYPES={loaded.file_types}: write it like `image/*,!image/svg+xml`")
    for name in loaded.forwarded_allow_ips.replace("*", "").split(","):
        try:
            ipaddress.ip_network(name.strip() or "::1", strict=False)
        except ValueError as error:
            raise SetupError(f"{PREFIX}FORWARDED_ALLOW_IPS={loaded.forwarded_allow_ips}: {error}") from None


def _check_traces_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    name = f"{PREFIX}TRACES_URL"
    if not usable or parts.path in ("", "/"):
        raise SetupError(f"{name}={url.rpartition('@')[2]}: write the whole of it, like `http://HOST:4318/v1/traces`")
    if parts.username is not None:
        raise SetupError(f"{name}: whom the collector lets in is said in OTEL_EXPORTER_OTLP_HEADERS, not in the URL")


def _is_file(path: Path) -> bool:
    with contextlib.suppress(OSError):  # it may be nobody's business; whoever uses it says so
        return path.is_file()
    return False


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
