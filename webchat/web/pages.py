"""The browser client: one page, and the modules and styles it asks for.

All of it is read once, at the start, and served from memory: small, the same on every node (an ETag is a
hash of the content), compressed where the browser can, and without a look at the disk on the event loop.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple

import falcon

from webchat.errors import NotFound

STATIC = Path(__file__).resolve().parent.parent.parent / "static"
WORTH_COMPRESSING = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
_MODULES = "<!-- modules -->"
_ON_DEMAND = ("js/lang/",)  # a browser loads one of them

mimetypes.add_type("text/javascript", ".js")  # Python 3.11 and some systems have an older name for it


class Asset(NamedTuple):
    media_type: str
    body: bytes
    compressed: bytes | None
    etag: str


def load(folder: Path) -> dict[str, Asset]:
    """Every file below the folder, by its path relative to it."""
    return {
        path.relative_to(folder).as_posix(): _asset(path.name, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _asset(name: str, body: bytes) -> Asset:
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
    """`/`: the page, with every module that all browsers load announced, so that none need be found one by one."""

    def __init__(self, assets: dict[str, Asset]) -> None:
        links = "\n  ".join(
            f'<link rel="modulepreload" href="/static/{path}">'
            for path in assets
            if path.endswith(".js") and not path.startswith(_ON_DEMAND)
        )
        page = assets["index.html"].body.decode().replace(_MODULES, links)
        self._page = _asset("index.html", page.encode())

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        serve(req, resp, self._page)

    on_head = on_get
