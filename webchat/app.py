"""create_app(node): every route on one page."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any

import falcon

from webchat.data.database import prepare
from webchat.node import Node, build_node
from webchat.settings import Settings
from webchat.web import problems
from webchat.web.blocks import Block
from webchat.web.calls import STARTED
from webchat.web.changes import OneMessage, Reactions
from webchat.web.conversations import History
from webchat.web.events import Events
from webchat.web.files import Avatar, FileContent, Files, Thumbnail
from webchat.web.friends import Friend, Friends
from webchat.web.groups import Group, GroupMember, Groups, OwnSettings
from webchat.web.guard import TRUSTED_PROXIES, Guard
from webchat.web.headers import Headers
from webchat.web.health import Healthz, Metrics, Readyz
from webchat.web.held import START_RESPONSE
from webchat.web.limits import RateLimits
from webchat.web.me import Me
from webchat.web.messages import Messages
from webchat.web.my_data import MyData
from webchat.web.my_sessions import MySession, MySessions, Password
from webchat.web.openapi import OpenApi, document
from webchat.web.pages import STATIC, Index, Static, load
from webchat.web.receipts import ReadMarks, Receipts
from webchat.web.search import Search
from webchat.web.sessions import Session, Tokens
from webchat.web.state import State
from webchat.web.typing import Typing
from webchat.web.users import User, Users


class ChatApp(falcon.App):  # type: ignore[type-arg]
    """The WSGI application, with what its worker process needs to know of it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.headers = Headers(node.settings.forwarded_allow_ips)
        self.stopped: Callable[[], None] = lambda: None  # called at the very end
        super().__init__(middleware=[self.headers])

    def __call__(self, env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        env[START_RESPONSE] = start_response  # for answers that come later, see `webchat.web.held`
        env[TRUSTED_PROXIES] = self.headers.trusted
        env[STARTED] = time.perf_counter()
        return super().__call__(env, start_response)

    def drain(self) -> None:
        """The worker is about to stop: answer all parked polls."""
        self.node.drain()

    def stop(self) -> None:
        """The last answer is out."""
        self.node.stop()
        self.stopped()


def create_app(node: Node) -> ChatApp:
    app = ChatApp(node)
    app.req_options.keep_blank_qs_values = True  # `?after=` is an empty cursor, not a missing one
    problems.install(app)

    calls = routes(node, app.headers)
    app.headers.calls.expect(calls)
    for template, resource in calls:
        app.add_route(template, resource)
    assets = load(STATIC)
    app.add_route("/", Index(assets))
    app.add_route("/static/{path:path}", Static(assets))
    return app


def routes(node: Node, headers: Headers) -> list[tuple[str, Any]]:
    """The documented calls."""
    guard = Guard(node.accounts)
    limits = RateLimits(node.settings)
    calls: list[tuple[str, Any]] = [
        ("/api/users", Users(guard, node.accounts, limits)),
        ("/api/users/{name}", User(guard, node.profiles)),
        ("/api/me", Me(guard, node.profiles, node.farewell, limits)),
        ("/api/me/data", MyData(guard, node.export, limits)),
        ("/api/me/password", Password(guard, node.sessions, limits)),
        ("/api/me/sessions", MySessions(guard, node.sessions)),
        ("/api/me/sessions/{id}", MySession(guard, node.sessions)),
        ("/api/session", Session(guard, node.accounts, limits)),
        ("/api/tokens", Tokens(guard, node.accounts, limits)),
        ("/api/state", State(guard, node.chat)),
        ("/api/events", Events(guard, node.hub, node.settings.poll_hold, headers.of_late_error)),
        ("/api/messages", Messages(guard, node.chat, limits)),
        ("/api/messages/{message}", OneMessage(guard, node.changes, limits)),
        ("/api/messages/{message}/reactions/{emoji}", Reactions(guard, node.changes, limits)),
        ("/api/search", Search(guard, node.search, limits)),
        ("/api/conversations/{conversation}/messages", History(guard, node.chat)),
        ("/api/files", Files(guard, node.files, limits)),
        ("/api/files/{file}", FileContent(guard, node.files)),
        ("/api/files/{file}/thumbnail", Thumbnail(guard, node.files)),
        ("/api/users/{name}/avatar", Avatar(guard, node.files)),
        ("/api/conversations/{conversation}/read", ReadMarks(guard, node.receipts, limits)),
        ("/api/receipts", Receipts(guard, node.receipts, limits)),
        ("/api/conversations", Groups(guard, node.groups, limits)),
        ("/api/conversations/{conversation}", Group(guard, node.groups, limits)),
        ("/api/conversations/{conversation}/members/{name}", GroupMember(guard, node.groups, limits)),
        ("/api/conversations/{conversation}/settings", OwnSettings(guard, node.groups, limits)),
        ("/api/conversations/{conversation}/typing", Typing(guard, node.typing, limits)),
        ("/api/friends", Friends(guard, node.friends, limits)),
        ("/api/friends/{name}", Friend(guard, node.friends, limits)),
        ("/api/blocks/{name}", Block(guard, node.blocks, limits)),
        ("/healthz", Healthz()),
        (
            "/readyz",
            Readyz(node.database_ok, lambda: node.committer.failing, lambda: node.bus.deaf, lambda: node.hub.draining),
        ),
        ("/metrics", Metrics()),
    ]
    calls.append(("/api/openapi.json", OpenApi(document(calls))))
    return calls


def openapi_document() -> dict[str, Any]:
    """The API's document, made without a server: from the routes of a node on an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=folder, redis_url="unix:///nowhere")
        prepare(settings)
        node = build_node(settings)
        try:
            return document(routes(node, Headers(settings.forwarded_allow_ips)))
        finally:
            node.engine.close()
