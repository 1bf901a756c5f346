"""`/api/files`: upload, and show; and `/api/users/{name}/avatar`."""

from __future__ import annotations

import falcon
import msgspec

from webchat.entities.people import NAME
from webchat.entities.talk import FILE_ID_PATTERN, FILE_NAME_MAX, File
from webchat.errors import Invalid
from webchat.logic.files import PICTURES, PLAIN
from webchat.logic.files import Files as Service
from webchat.web.answer import answer
from webchat.web.body import parameter, read_file
from webchat.web.download import download
from webchat.web.guard import SLOT_PARAMETER, Guard
from webchat.web.limits import RateLimits
from webchat.web.operation import OCTETS, Parameter, operation

ID_SCHEMA = {"file": {"type": "string", "pattern": FILE_ID_PATTERN}}
SLOT = Parameter(
    SLOT_PARAMETER,
    "stands for the header X-Webchat-Session, which a page's <img> cannot send",
    {"type": "string", "pattern": "^[a-z0-9]{1,16}$"},
)
ANSWERS = {200: OCTETS, 206: OCTETS, 304: None}
PROBLEMS = (400, 401, 404, 416, 503)
SHOWN = (PLAIN, *sorted(PICTURES))


class Uploaded(msgspec.Struct):
    file: File


class Files:
    def __init__(self, guard: Guard, files: Service, limits: RateLimits) -> None:
        self._guard = guard
        self._files = files
        self._limits = limits

    @operation(
        "Upload a file: the body, with its Content-Type; send it with a message within a day",
        body=OCTETS,
        answers={201: Uploaded},
        query=[
            Parameter("name", "the file's name", {"type": "string", "minLength": 1, "maxLength": FILE_NAME_MAX}, True)
        ],
        problems=(400, 401, 403, 413, 415, 429, 503),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        session = self._guard.session(req)
        self._limits.upload(session.user)
        name = parameter(req, "name")
        if name is None:
            raise Invalid("give the file's `name` in the query", code="bad_file_name")
        body = read_file(req, self._files.limits.size)
        file = self._files.upload(session, name, req.content_type or "", req.content_length, body)
        answer(resp, Uploaded(file), 201)


class _Bytes:
    """What shows a file; the headers are its own, for no page may make anything of the bytes but what they are."""

    has_own_headers = True

    def __init__(self, guard: Guard, files: Service) -> None:
        self._guard = guard
        self._files = files


class FileContent(_Bytes):
    @operation(
        "A file's bytes: for its owner until it is sent, then for the members of the conversation",
        answers=ANSWERS,
        query=[SLOT],
        problems=PROBLEMS,
        media_type=SHOWN,
        path_schemas=ID_SCHEMA,
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response, file: str) -> None:
        session = self._guard.session_of_image(req)
        download(req, resp, self._files.content(session, file), self._files.read)


class Thumbnail(_Bytes):
    @operation(
        "A picture, made small",
        answers=ANSWERS,
        query=[SLOT],
        problems=PROBLEMS,
        media_type=SHOWN,
        path_schemas=ID_SCHEMA,
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response, file: str) -> None:
        session = self._guard.session_of_image(req)
        download(req, resp, self._files.thumbnail(session, file), self._files.read)


class Avatar(_Bytes):
    @operation(
        "A user's avatar, square",
        answers=ANSWERS,
        query=[Parameter("v", "`avatar` of the profile: with it, the answer may be kept", {"type": "string"}), SLOT],
        problems=PROBLEMS,
        media_type=SHOWN,
        path_schemas={"name": {"type": "string", "pattern": f"^{NAME.pattern}$"}},
    )
    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        session = self._guard.session_of_image(req)
        version = parameter(req, "v")
        content, present = self._files.avatar(session, name)
        download(req, resp, content, self._files.read, for_ever=version == present)
