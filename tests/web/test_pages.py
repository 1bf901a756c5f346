"""The browser client's files: typed, revalidated, and nothing beside them."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.web.conftest import QuickCluster
from webchat.web.pages import STATIC
from webchat.web.problems import MEDIA_TYPE

FILES = sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@pytest.mark.parametrize("file", FILES)
def test_every_file_is_served_as_what_it_is(cluster: QuickCluster, file: str) -> None:
    answer = cluster.client().call("GET", f"/static/{file}")
    assert answer.status == 200
    suffix = (STATIC / file).suffix
    lines, served = (STATIC / file).read_bytes().split(b"\n"), answer.raw.split(b"\n")
    assert len(served) == len(lines), "so that a browser names the right line"
    bare = [line.lstrip(b" ") if suffix in (".js", ".css", ".html") else line for line in lines]
    left_out = [(line, got) for line, got in zip(bare, served, strict=True) if got != line]
    assert all((got == b"" and line[:1] in (b"", b"/", b"*")) or suffix == ".css" for line, got in left_out)
    assert suffix in (".js", ".css") or not left_out, "only comments are left out, and only there"
    assert answer.headers["content-type"].split(";")[0] == TYPES.get(suffix, answer.headers["content-type"])


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith(".js")])
def test_no_text_goes_over_lines(file: str) -> None:
    """The indents are left out, which would be a part of it."""
    code = re.sub(r"^ *(//.*|/\*.*?\*/ *)$", "", (STATIC / file).read_text(), flags=re.MULTILINE | re.DOTALL)
    assert [line for line in code.split("\n") if line.count("`") % 2] == []


def test_the_address_alone_opens_the_page(cluster: QuickCluster) -> None:
    answer = cluster.client().call("GET", "/")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    page = answer.raw.decode()
    assert page.lower().startswith("<!doctype html>")
    local = re.findall(r'(?:src|href)="(/[^"]*)"', page)
    announced = set(re.findall(r'rel="modulepreload" href="([^"]*)"', page))
    assert {"/static/js/main.js", "/static/js/views/sidebar.js"} <= announced, "what the page begins with"
    assert not {"/static/js/lang/en.js", "/static/js/views/emoji_picker.js"} & announced, (
        "what is loaded when it is wanted"
    )
    for path in local:
        assert cluster.client().call("GET", path).status == 200, path


@pytest.mark.parametrize("path", ["/", "/static/js/main.js", "/static/css/base.css"])
def test_what_a_browser_can_unpack_is_sent_packed(cluster: QuickCluster, path: str) -> None:
    client = cluster.client()
    plain = client.call("GET", path)
    packed = client.call("GET", path, headers={"Accept-Encoding": "gzip, deflate, br"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.raw) == plain.raw
    assert len(packed.raw) < len(plain.raw)
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding", "or a cache would mix them up"


@pytest.mark.parametrize("path", ["/", "/static/js/main.js", "/static/css/base.css"])
def test_what_has_not_changed_is_not_sent_again(cluster: QuickCluster, path: str) -> None:
    client = cluster.client()
    first = client.call("GET", path)
    etag = first.headers["etag"]
    again = client.call("GET", path, headers={"If-None-Match": etag})
    assert (again.status, again.raw) == (304, b"")
    assert again.headers["etag"] == etag
    assert again.headers["cache-control"] == "no-cache"
    assert client.call("GET", path, headers={"If-None-Match": '"other"'}).raw == first.raw
    # What a proxy makes of it that compresses, and one of several.
    assert client.call("GET", path, headers={"If-None-Match": f'"other", {etag}'}).status == 304


@pytest.mark.parametrize("path", ["/", "/static/js/main.js"])
def test_head_is_get_without_the_body(cluster: QuickCluster, path: str) -> None:
    client = cluster.client()
    got, asked = client.call("GET", path), client.call("HEAD", path)
    assert (asked.status, asked.raw) == (200, b"")
    for name in ("content-type", "content-length", "etag", "content-security-policy"):
        assert asked.headers.get(name) == got.headers.get(name)


@pytest.mark.parametrize(
    "path",
    [
        "/static",
        "/static/",
        "/static/js",
        "/static/../chat",
        "/static/%2e%2e/chat",
        "/static/..%2fchat",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/js/%00",
        "/static/js/main.js%00.css",
        "/static/js\\..\\..\\chat",
        "/static/~root",
        "/index.html",
        "/favicon.ico",
    ],
)
def test_nothing_else_is_served(cluster: QuickCluster, path: str) -> None:
    answer = cluster.client().call("GET", path)
    assert (answer.status, answer.headers["content-type"]) == (404, MEDIA_TYPE)


def test_nothing_can_be_done_to_the_page(cluster: QuickCluster) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert cluster.client().call(method, "/").status == 405
