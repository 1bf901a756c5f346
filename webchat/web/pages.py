"""The browser client: one page, and the modules and styles it asks for.

All of it is read once, at the start, and served from memory: small, the same on every node (an ETag is a
hash of the content), compressed where the browser can, and without a look at the disk on the event loop. Comments and
indents stay here: they are a quarter of what would be transferred, and line numbers stay as they are.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
from pathlib import Path
from typing import NamedTuple

import falcon

from webchat.errors import NotFound

STATIC = Path(__file__).resolve().parent.parent.parent / "static"
WORTH_COMPRESSING = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
_MODULES = "<!-- modules -->"
_STYLES = "<!-- styles -->"
_STYLE = re.compile(r'<link rel="stylesheet" href="/static/([^"]+)">\n *')
STYLES = "css/all.css"
_START = "js/main.js"
_IMPORT = re.compile(r'\bfrom "(\.{1,2}/[^"]+)"')  # not import("…"), which is for when it is wanted

# Whole lines only: what looks like a comment within a line may be a string or an address.
_COMMENT = re.compile(rb"^[ \t]*(?://[^\n]*|/\*(?:(?!\*/).)*\*/[ \t]*)$", re.MULTILINE | re.DOTALL)
_INDENT = re.compile(rb"^[ \t]+", re.MULTILINE)  # of text that goes over lines it would be a part: there is none

mimetypes.add_type("text/javascript", ".js")  # Python 3.11 and some systems have an older name for it


class Asset(NamedTuple):
    media_type: str
    body: bytes
    compressed: bytes | None
    etag: str


def load(folder: Path) -> dict[str, Asset]:
    """Every file below the folder, by its path relative to it; and the page's styles as one."""
    assets = {
        path.relative_to(folder).as_posix(): _asset(path.name, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    sheets = _STYLE.findall(assets["index.html"].body.decode())
    assets[STYLES] = _asset(STYLES, b"\n".join(assets[sheet].body for sheet in sheets))
    return assets


def _bare(name: str, body: bytes) -> bytes:
    if name.endswith((".js", ".css")):
        body = _COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), body)
    return _INDENT.sub(b"", body) if name.endswith((".js", ".css", ".html")) else body


def _asset(name: str, body: bytes) -> Asset:
    body = _bare(name, body)
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    worth_it = media_type.startswith(WORTH_COMPRESSING)
    compressed = gzip.compress(body, mtime=0) if worth_it else None
    # Weak: it stands for the compressed bytes and for the plain ones.
    return Asset(media_type, body, compressed, f'W/"{hashlib.sha256(body).hexdigest()[:16]}"')


def serve(req: falcon.Request, resp: falcon.Response, asset: Asset) -> None:
    resp.set_header("ETag", asset.etag)
    resp.set_header("Vary", "Accept-Encoding")
    if asset.etag in [tag.strip() for tag in (req.get_header("If-None-Match") or "").split(",")]:
        resp.status = 304
        return
    resp.content_type = asset.media_type
    if asset.compressed is not None and "gzip" in (req.get_header("Accept-Encoding") or ""):
        resp.set_header("Content-Encoding", "gzip")
        resp.data = asset.compressed
    else:
        resp.data = asset.body


class Static:
    """`/static/…`."""

    def __init__(self, assets: dict[str, Asset]) -> None:
        self._assets = assets

    def on_get(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        asset = self._assets.get(path)
        if asset is None:
            raise NotFound("there is no such file", code="no_such_call")
        serve(req, resp, asset)

    on_head = on_get


class Index:
    """`/`: the page, with all modules announced that it begins with, so that a browser need not find them."""

    def __init__(self, assets: dict[str, Asset]) -> None:
        links = "\n  ".join(
            f'<link rel="modulepreload" href="/static/{path}">' for path in sorted(_imported(assets, _START, set()))
        )
        page = assets["index.html"].body.decode().replace(_MODULES, links)
        # Ten answers less to wait for, and what they say in common is packed once.
        page = _STYLE.sub("", page).replace(_STYLES, f'<link rel="stylesheet" href="/static/{STYLES}">')
        self._page = _asset("index.html", page.encode())

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        serve(req, resp, self._page)

    on_head = on_get


def _imported(assets: dict[str, Asset], path: str, seen: set[str]) -> set[str]:
    """A module and all that it imports, by their paths; what is imported on demand is not among them."""
    if path not in seen:
        seen.add(path)
        for address in _IMPORT.findall(assets[path].body.decode()):
            _imported(assets, posixpath.normpath(posixpath.join(posixpath.dirname(path), address)), seen)
    return seen
