"""What `WEBCHAT_REDIS_URL` may say, and that it never shows a password."""

from __future__ import annotations

import pytest

from webchat.errors import SetupError
from webchat.redis_url import parse, without_password
from webchat.settings import Settings


@pytest.mark.parametrize(
    ("url", "kind", "hosts", "server"),
    [
        ("redis://h", "single", [("h", 6379)], "redis://h:6379"),
        (
            "redis://:pw@h:1/2?health_check_interval=3",
            "single",
            [("h", 1)],
            "redis://:pw@h:1/2?health_check_interval=3",
        ),
        ("rediss://u:p%40w@[::1]:1", "single", [("::1", 1)], "rediss://u:p%40w@[::1]:1"),
        ("unix:///run/v%20k.sock?db=1", "single", [], "unix:///run/v%20k.sock?db=1"),
        ("redis+cluster://u:pw@a:1,b", "cluster", [("a", 1), ("b", 6379)], "redis://u:pw@a:1"),
        ("rediss+cluster://a?ssl_ca_certs=/ca.pem", "cluster", [("a", 6379)], "rediss://a:6379?ssl_ca_certs=%2Fca.pem"),
        ("redis+sentinel://u:pw@a,[::1]:1/s/3", "sentinel", [("a", 26379), ("::1", 1)], "redis://u:pw@a:26379/3"),
    ],
)
def test_the_forms(url: str, kind: str, hosts: list[tuple[str, int]], server: str) -> None:
    parsed = parse(url)
    assert (parsed.kind, list(parsed.hosts), parsed.server()) == (kind, hosts, server)


def test_a_server_s_url_is_that_of_its_address() -> None:
    assert parse("rediss+cluster://u:pw@a,b?x=1").server(("c", 7)) == "rediss://u:pw@c:7?x=1"


def test_sentinels_have_a_login_of_their_own() -> None:
    parsed = parse("rediss+sentinel://u:pw@a/my%20service?sentinel_username=s&sentinel_password=p%2Fq&ssl_ca_certs=ca")
    assert parsed.service == "my service"
    assert parsed.sentinel(("a", 1)) == "rediss://s:p%2Fq@a:1?ssl_ca_certs=ca"
    assert parsed.server(("m", 2)) == "rediss://u:pw@m:2?ssl_ca_certs=ca"
    assert parse("redis+sentinel://u:pw@a/s").sentinel(("a", 1)) == "redis://a:1"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("valkey.example", "write redis://HOST"),
        ("gopher://nowhere", "write redis://HOST"),
        ("redis://", "no name"),
        ("redis://h:port", "Port could not be cast"),
        ("redis://h:99999", "out of range"),
        ("redis://a,b", "several hosts are"),
        ("redis://h/first", "first is no database"),
        ("redis+cluster://", "no name"),
        ("redis+cluster://a,", "no name"),
        ("redis+cluster://a/1", "no databases"),
        ("redis+cluster://a?db=1", "no databases"),
        ("redis+sentinel://a,b", "name the service"),
        ("redis+sentinel://a/s/first", "first is no database"),
        ("redis://h?sentinel_password=x", "no sentinels"),
        ("unix://host/path", "unix:///PATH"),
        ("unix+cluster:///path", "unix:///PATH"),
        ("unix://", "unix:///PATH"),
        ("redis://h?db", "bad query field"),
        ("redis://u:secret@h:port", r"redis://u:\*\*\*@h:port cannot be used"),
        ("redis+sentinel://:secret@a?sentinel_password=secret", "name the service"),
    ],
)
def test_what_is_none_of_them_is_refused_in_one_line(url: str, says: str) -> None:
    with pytest.raises(SetupError, match=says) as refused:
        Settings.load({"WEBCHAT_REDIS_URL": url})
    assert str(refused.value).startswith("WEBCHAT_REDIS_URL=")
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://u:se:cr@et@h:1/0", "redis://u:***@h:1/0"),
        ("redis://:secret@h", "redis://:***@h"),
        ("redis://h", "redis://h"),
        ("unix:///p?password=secret&db=1", "unix:///p?password=***&db=1"),
        (
            "redis+sentinel://u:secret@a,b/s?sentinel_password=secret",
            "redis+sentinel://u:***@a,b/s?sentinel_password=***",
        ),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
