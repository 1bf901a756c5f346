"""What `WEBCHAT_REDIS_URL` may say: one server, a master that Sentinel names, or a Cluster.

    redis://[USER:PASSWORD@]HOST[:PORT][/DB]                          rediss://… over TLS
    unix://[USER:PASSWORD@]/PATH
    redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST…/SERVICE[/DB]   rediss+sentinel://…
    redis+cluster://[USER:PASSWORD@]HOST[:PORT],HOST…                 rediss+cluster://…

Whatever the form, each single server has a URL of the first kind (`server`), which the client library reads; options
(`?ssl_ca_certs=…`) are the library's. What is said to the sentinels as another user than to the server:
`?sentinel_username=…&sentinel_password=…`.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, cast
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from webchat.errors import SetupError

VARIABLE = "WEBCHAT_REDIS_URL"
PORT, SENTINEL_PORT = 6379, 26_379
FORMS = "redis://HOST, rediss://HOST, unix:///PATH, redis+sentinel://HOST,HOST/SERVICE or redis+cluster://HOST,HOST"

Address = tuple[str, int]
Kind = Literal["single", "sentinel", "cluster"]

_SHAPE = re.compile(
    r"(?P<scheme>rediss?|unix)(\+(?P<kind>sentinel|cluster))?://"
    r"((?P<login>[^/?#]*)@)?(?P<hosts>[^/?#@]*)(?P<path>/[^?#]*)?(\?(?P<query>[^#]*))?"
)


class RedisUrl(NamedTuple):
    """`login`, `database` and `query` as they stand in a URL; `hosts` of one server, or those who know where it is."""

    kind: Kind
    scheme: str
    login: str
    hosts: tuple[Address, ...]
    path: str  # of a socket
    service: str
    database: str
    query: str
    sentinel_login: str

    def server(self, address: Address | None = None) -> str:
        """The URL of one server: of the one at `address`, or, where there is no more than one, of that."""
        query = f"?{self.query}" if self.query else ""
        if self.scheme == "unix":
            return f"unix://{self.login}{self.path}{query}"
        return f"{self.scheme}://{self.login}{_netloc(address or self.hosts[0])}{self.database}{query}"

    def sentinel(self, address: Address) -> str:
        """The URL of one of the sentinels."""
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self.sentinel_login}{_netloc(address)}{query}"

    @property
    def guarded(self) -> bool:
        """Whether it names a password."""
        return ":" in self.login


def parse(url: str) -> RedisUrl:
    """Raises SetupError, in one line that shows no password, where it is none of the forms."""
    try:
        return _parse(url)
    except ValueError as error:
        raise SetupError(f"{VARIABLE}={without_password(url)} cannot be used: {error}") from None


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    shown = re.sub(r"(://[^/?#@:]*):[^/?#]*@", r"\1:***@", url)
    return re.sub(r"((?:^|[?&])(?:sentinel_)?password)=[^&#]*", r"\1=***", shown)


def shown(address: Address) -> str:
    return _netloc(address)


def _parse(url: str) -> RedisUrl:
    found = _SHAPE.fullmatch(url)
    if found is None:
        raise ValueError(f"write {FORMS}")
    kind = cast("Kind", found["kind"] or "single")
    login = f"{found['login']}@" if found["login"] else ""
    path = found["path"] or ""
    options = dict(parse_qsl(found["query"] or "", strict_parsing=bool(found["query"])))
    sentinel_login = _login(options.pop("sentinel_username", ""), options.pop("sentinel_password", ""))
    query = urlencode(options)
    if sentinel_login and kind != "sentinel":
        raise ValueError("there are no sentinels in it to log in at")
    if found["scheme"] == "unix":
        if kind != "single" or found["hosts"] or len(path) < 2:
            raise ValueError("a socket is unix:///PATH")
        return RedisUrl(kind, "unix", login, (), path, "", "", query, "")
    hosts = tuple(_address(host, SENTINEL_PORT if kind == "sentinel" else PORT) for host in found["hosts"].split(","))
    service, database = "", path.rstrip("/")
    if kind == "single" and len(hosts) > 1:
        raise ValueError("several hosts are redis+sentinel:// or redis+cluster://")
    if kind == "cluster" and (database or "db" in options):
        raise ValueError("a cluster has no databases")
    if kind == "sentinel":
        _, service, database = (*path.split("/", 2), "", "")[:3]
        service, database = unquote(service), f"/{database}" if database else ""
        if not service:
            raise ValueError("name the service as its sentinels do: redis+sentinel://HOST,HOST/SERVICE")
    if not re.fullmatch(r"(/\d+)?", database):
        raise ValueError(f"{database[1:]} is no database: they have numbers")
    return RedisUrl(kind, found["scheme"], login, hosts, "", service, database, query, sentinel_login)


def _address(host: str, port: int) -> Address:
    parts = urlsplit(f"//{host}")
    if not parts.hostname:
        raise ValueError("a host has no name")
    return unquote(parts.hostname), parts.port or port


def _netloc(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _login(name: str, password: str) -> str:
    return f"{quote(name, safe='')}:{quote(password, safe='')}@" if name or password else ""
