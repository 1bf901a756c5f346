"""Files: uploaded whole or not at all, sent once, shown to whom they concern, harmless on their way out."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.client import Answer, Client, request, until
from tests.web.browser import Browser
from tests.web.conftest import QuickCluster
from tests.web.pictures import MAKER, SIZE, from_a_telephone, opened, picture
from webchat.web.problems import MEDIA_TYPE

MIB = 1 << 20


def put(who: Client, content: bytes, name: str = "a.bin", media_type: str = "application/octet-stream") -> Answer:
    return who.call("POST", f"/api/files?name={quote(name, safe='')}", content, {"Content-Type": media_type})


def upload(who: Client, content: bytes, name: str = "a.bin", media_type: str = "application/octet-stream") -> Any:
    answer = put(who, content, name, media_type)
    assert answer.status == 201, answer
    return answer.body["file"]


def send(who: Client, conversation: int, *files: str, text: str = "", client_id: str = "") -> Answer:
    body = {"conversation": conversation, "text": text, "client_id": client_id or secrets.token_hex(8)}
    return who.call("POST", "/api/messages", body | {"files": files})


def get(who: Client, file: Any, part: str = "", **headers: str) -> Answer:
    return who.call("GET", f"/api/files/{file['id']}{part}", headers=headers)


def blob(cluster: QuickCluster, content: bytes) -> Path:
    digest = hashlib.sha256(content).hexdigest()
    return cluster.data / "files" / digest[:2] / digest[2:]


def temporaries(cluster: QuickCluster) -> list[Path]:
    return list((cluster.data / "files" / "tmp").glob("*"))


def test_a_quote_tells_files_from_what_was_deleted(cluster: QuickCluster) -> None:
    one, other, conversation = cluster.pair()
    files = [upload(one, b"%d" % n)["id"] for n in range(2)]
    sent = send(one, conversation, *files).body["message"]
    body = {"conversation": conversation, "text": "thanks", "client_id": "r", "reply_to": sent["id"]}
    quoted = other.ok("POST", "/api/messages", body)["message"]["reply_to"]
    assert quoted == {"id": sent["id"], "number": 1, "from": one.name, "text": "", "files": 2}
    one.ok("DELETE", f"/api/messages/{sent['id']}")
    said = {key: quoted[key] for key in ("id", "number", "from")}
    assert other.history(conversation)[-1]["reply_to"] == said | {"text": "", "deleted": True}


# --- in


@pytest.mark.parametrize("size", [1, 64 * 1024, 3 * MIB + 1])
def test_a_file_comes_back_as_it_was_uploaded(cluster: QuickCluster, size: int) -> None:
    who, content = cluster.user(), random.randbytes(size)
    file = upload(who, content, "report 1.pdf", "application/pdf; x=1")
    assert file.pop("id")
    assert file == {"name": "report 1.pdf", "type": "application/pdf", "size": size}
    assert blob(cluster, content).read_bytes() == content
    assert temporaries(cluster) == []


def test_a_chunked_body_is_taken(cluster: QuickCluster) -> None:
    who, content = cluster.user(), random.randbytes(200_000)
    connection = http.client.HTTPConnection(*cluster.nodes[0])
    pieces = (content[at : at + 30_000] for at in range(0, len(content), 30_000))
    connection.request(
        "POST", "/api/files?name=c", pieces, {"Authorization": f"Bearer {who.token}"}, encode_chunked=True
    )
    answer = connection.getresponse()
    assert answer.status == 201
    answer.read()
    connection.close()
    assert blob(cluster, content).read_bytes() == content


def test_equal_contents_are_kept_once_also_at_the_same_time(cluster: QuickCluster) -> None:
    who, other, content = cluster.user(), cluster.user(), random.randbytes(MIB)
    with ThreadPoolExecutor(6) as pool:
        files = list(pool.map(lambda each: upload(each, content), [who, other] * 3))
    assert len({file["id"] for file in files}) == 6
    assert [path for path in blob(cluster, content).parent.iterdir() if path.stat().st_size == MIB] == [
        blob(cluster, content)
    ]
    assert get(who, files[0]).raw == get(other, files[1]).raw == content


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
def test_a_picture_has_its_size_and_a_thumbnail(cluster: QuickCluster, kind: str, media_type: str) -> None:
    who = cluster.user()
    file = upload(who, picture(kind), "p", media_type)
    assert (file["width"], file["height"], file["thumbnail"]) == (*SIZE, True)
    answer = get(who, file, "/thumbnail")
    assert answer.headers["content-type"] == "image/webp"
    small = opened(answer.raw)
    assert small.size == (480, 160)
    left, right = small.convert("RGB").getpixel((10, 80)), small.convert("RGB").getpixel((470, 80))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert (left[0] > 200, right[2] > 200) == (True, True)


def test_a_thumbnail_stands_upright_and_says_nothing_of_the_photographer(cluster: QuickCluster) -> None:
    who, content = cluster.user(), from_a_telephone()
    assert opened(content).getexif()[MAKER] == "a maker"
    file = upload(who, content, "me.jpg", "image/jpeg")
    assert (file["width"], file["height"]) == SIZE[::-1]
    answer = get(who, file, "/thumbnail")
    small = opened(answer.raw)
    assert small.size == (160, 480)
    assert dict(small.getexif()) == {}
    assert {"exif", "icc_profile", "xmp"}.isdisjoint(small.info)
    assert b"a maker" not in answer.raw


def test_a_thumbnail_that_is_lost_is_made_again(cluster: QuickCluster) -> None:
    who, content = cluster.user(), picture("PNG", (700, 701))
    file = upload(who, content, "p", "image/png")
    first = get(who, file, "/thumbnail").raw
    blob(cluster, content).with_suffix(".thumbnail").unlink()
    assert get(who, file, "/thumbnail").raw == first


@pytest.mark.parametrize(
    ("what", "content", "declared", "shown"),
    [
        ("a JPEG that is called PNG", picture("JPEG"), "image/png", "image/jpeg"),
        ("a page that is called PNG", b"<script>alert(1)</script>", "image/png", "application/octet-stream"),
        ("half a PNG", picture("PNG")[:200], "image/png", "application/octet-stream"),
        ("a picture of another kind", picture("BMP"), "image/bmp", "image/bmp"),
        ("a drawing", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "image/svg+xml"),
        ("a PNG that is called text", picture("PNG"), "text/plain", "text/plain"),
    ],
)
def test_the_content_decides_what_is_a_picture(
    cluster: QuickCluster, what: str, content: bytes, declared: str, shown: str
) -> None:
    who = cluster.user()
    file = upload(who, content, "x", declared)
    assert file["type"] == shown, what
    answer = get(who, file)
    inline = shown == "image/jpeg"
    assert ("thumbnail" in file) is inline
    assert answer.headers["content-type"] == (shown if inline else "application/octet-stream")
    assert answer.headers["content-disposition"].startswith("inline" if inline else "attachment")
    assert get(who, file, "/thumbnail").status == (200 if inline else 404)


def test_a_picture_too_large_to_unpack_is_a_file_like_any_other(cluster: QuickCluster) -> None:
    bomb = picture("PNG", (6_400, 6_400), compress_level=1)
    assert len(bomb) < MIB
    file = upload(cluster.user(), bomb, "bomb.png", "image/png")
    assert file["type"] == "application/octet-stream"
    assert "width" not in file


# --- bad input

NAMES = ["", " ", ".", "..", "a/b", "../../etc/passwd", "..\\a", "a\0b", "a\nb", "a\u202egpj.exe", "a" * 256]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_none_is_refused(cluster: QuickCluster, name: str) -> None:
    answer = put(cluster.user(), b"x", name)
    assert (answer.status, answer.body["code"]) == (400, "bad_file_name")


@pytest.mark.parametrize("query", ["", "?name=%FF", "?name=%ED%A0%80"])
def test_a_name_that_is_no_text_is_refused(cluster: QuickCluster, query: str) -> None:
    answer = cluster.user().call("POST", f"/api/files{query}", b"x")
    assert (answer.status, answer.body["code"]) == (400, "bad_file_name")


@pytest.mark.parametrize("name", ["ä 你好 👩‍👩‍👧.txt", "a" * 255, ".profile", "con", 'a"b;c.txt', "%2e%2e%2f", "-rf *"])
def test_a_name_is_only_ever_a_name(cluster: QuickCluster, name: str) -> None:
    who = cluster.user()
    file = upload(who, b"hello", name)
    assert file["name"] == name
    disposition = get(who, file).headers["content-disposition"]
    assert disposition.endswith(f"; filename*=UTF-8''{quote(name, safe='')}")
    assert disposition.count('"') == 2


@pytest.mark.parametrize("header", [{}, {"Content-Type": "application/x-www-form-urlencoded"}])
def test_a_type_that_nobody_has_told_is_octets(cluster: QuickCluster, header: dict[str, str]) -> None:
    answer = cluster.user().call("POST", "/api/files?name=a", b"x", header)
    assert (answer.status, answer.body["file"]["type"]) == (201, "application/octet-stream")


@pytest.mark.parametrize(
    ("media_type", "code"),
    [
        ("multipart/form-data; boundary=x", "wrong_media_type"),
        ("nonsense", "wrong_media_type"),
        ("a/b/c", "wrong_media_type"),
        ("text/" + "x" * 100, "wrong_media_type"),
    ],
)
def test_a_media_type_that_is_none_is_refused(cluster: QuickCluster, media_type: str, code: str) -> None:
    answer = put(cluster.user(), b"x", "a", media_type)
    assert (answer.status, answer.body["code"]) == (415, code)


def test_nothing_and_too_much_are_refused(cluster: QuickCluster) -> None:
    who = cluster.user()
    empty = put(who, b"")
    assert (empty.status, empty.body["code"]) == (400, "empty_file")
    told = put(who, b"x" * (25 * MIB + 1))
    assert (told.status, told.body["code"]) == (413, "too_large")
    connection = http.client.HTTPConnection(*cluster.nodes[0])
    piece = b"x" * MIB
    head = {"Authorization": f"Bearer {who.token}"}
    connection.request("POST", "/api/files?name=a", (piece for _ in range(26)), head, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    answer.read()
    connection.close()
    assert temporaries(cluster) == []
    assert put(who, b"x" * 25 * MIB).status == 201


def test_a_file_larger_than_all_that_one_may_keep_unsent_is_refused_for_its_size(cluster: QuickCluster) -> None:
    who = cluster.user()
    connection = http.client.HTTPConnection(*cluster.nodes[0])
    connection.putrequest("POST", "/api/files?name=a")
    connection.putheader("Authorization", f"Bearer {who.token}")
    connection.putheader("Content-Length", str(300 * MIB))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (413, "too_large")
    connection.close()


def test_a_body_that_breaks_off_leaves_nothing(cluster: QuickCluster) -> None:
    who = cluster.user()
    connection = http.client.HTTPConnection(*cluster.nodes[0])
    connection.putrequest("POST", "/api/files?name=a")
    connection.putheader("Authorization", f"Bearer {who.token}")
    connection.putheader("Content-Length", "1000000")
    connection.endheaders(random.randbytes(300_000))
    until("it is being received", lambda: temporaries(cluster))
    connection.close()
    until("nothing is left", lambda: not temporaries(cluster))


def test_who_is_not_logged_in_or_comes_from_a_foreign_page_uploads_nothing(cluster: QuickCluster) -> None:
    who = cluster.user()
    browser = Browser(cluster.nodes)
    assert browser.call("main", "POST", "/api/files?name=a", b"x").status == 401
    browser.log_in("main", who.name)
    forged = browser.call(None, "POST", "/api/files?name=a", b"x", {"Content-Type": "text/plain"})
    assert (forged.status, forged.body["code"]) == (403, "csrf_header_missing")
    assert browser.call("main", "POST", "/api/files?name=a", b"x").status == 201


# --- sending


def test_a_message_carries_files(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    cursor = other.cursor()
    files = [upload(one, picture(), "p.png", "image/png"), upload(one, b"hello", "h.txt", "text/plain")]
    answer = send(one, talk, *[file["id"] for file in files], client_id="c1")
    assert answer.status == 201
    message = answer.body["message"]
    assert message["files"] == files
    assert message["text"] == ""
    assert other.history(talk) == [message]
    assert other.poll(cursor, 5)["events"] == [{"type": "message", "message": message}]
    assert other.state()["conversations"][0]["last_message"] == message
    assert get(other, files[1]).raw == b"hello"
    assert get(other, files[0], "/thumbnail").status == 200


def test_a_retry_gives_the_first_message_and_other_files_a_conflict(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    first, second = upload(one, b"1")["id"], upload(one, b"2")["id"]
    sent = send(one, talk, first, text="here", client_id="c")
    again = send(one, talk, first, text="here", client_id="c")
    assert (sent.status, again.status, again.raw) == (201, 200, sent.raw)
    for files in ([second], [], [first, second]):
        answer = send(one, talk, *files, text="here", client_id="c")
        assert (answer.status, answer.body["code"]) == (409, "client_id_reused")
    assert send(one, talk, second, client_id="d").status == 201, "the refused sends have not used it up"
    assert len(other.history(talk)) == 2


def test_the_same_retry_at_the_same_time_is_one_message(cluster: QuickCluster) -> None:
    one, _, talk = cluster.pair()
    file = upload(one, b"race")["id"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: send(one, talk, file, client_id="race"), range(6)))
    assert sorted(answer.status for answer in answers) == [200] * 5 + [201]
    assert len({answer.raw for answer in answers}) == 1


def test_a_file_is_sent_once_by_its_owner(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    mine, theirs = upload(one, b"mine")["id"], upload(other, b"theirs")["id"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: send(one, talk, mine), range(4)))
    assert sorted(answer.status for answer in answers) == [201, 404, 404, 404]
    for ids in ([mine], [theirs], ["A" * 22], [theirs, "A" * 22]):
        answer = send(one, talk, *ids)
        assert (answer.status, answer.body["code"]) == (404, "no_such_file")
    assert len(one.history(talk)) == 1


def test_what_cannot_be_sent_is_refused_in_words(cluster: QuickCluster) -> None:
    one, _, talk = cluster.pair()
    file = upload(one, b"x")["id"]
    cases: list[tuple[list[Any], str]] = [
        ([file, file], "bad_files"),
        ([file] * 11, "invalid"),
        (["x"], "invalid"),
        ([1], "invalid"),
        (["../" + "a" * 19], "invalid"),
    ]
    for files, code in cases:
        answer = send(one, talk, *files)
        assert (answer.status, answer.body["code"]) == (400, code), files
    for text, code in (("a\0", "bad_text"), (" ", "bad_text"), ("a" * 4001, "bad_text")):
        answer = send(one, talk, file, text=text)
        assert (answer.status, answer.body["code"]) == (400, code), text
    foreign = cluster.pair()[2]
    assert send(one, foreign, file).body["code"] == "not_found"
    assert send(one, talk, text="").body["code"] == "bad_text"
    assert send(one, talk, file).status == 201


# --- out


def test_only_the_owner_then_only_the_members_see_it(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    stranger = cluster.user()
    one.befriend(stranger)
    file = upload(one, picture(), "p.png", "image/png")

    def seen() -> list[int]:
        return [
            get(who, file, part).status
            for who in (one, other, stranger, cluster.client())
            for part in ("", "/thumbnail")
        ]

    assert seen() == [200, 200, 404, 404, 404, 404, 401, 401]
    send(one, talk, file["id"])
    assert seen() == [200, 200, 200, 200, 404, 404, 401, 401]
    refused = {get(stranger, {"id": id}).raw for id in (file["id"], "A" * 22, "x", "..", "%00", "%FF", "a" * 500)}
    assert len(refused) == 1, "absent and forbidden look the same"


def test_it_is_served_harmlessly_and_may_be_kept(cluster: QuickCluster) -> None:
    who = cluster.user()
    file = upload(who, b"<script>alert(1)</script>", "x.html", "text/html")
    answer = get(who, file)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    etag = answer.headers["etag"]
    assert etag == f'"{hashlib.sha256(answer.raw).hexdigest()}"'
    kept = get(who, file, **{"If-None-Match": f'"other", {etag}'})
    assert (kept.status, kept.raw) == (304, b"")
    missing = get(who, {"id": "A" * 22})
    assert missing.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-" + "9" * 31, 206, slice(0, None)),
        ("bytes=" + "9" * 31 + "-", 416, None),
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-100", 206, slice(-100, None)),
        ("bytes=-9999999", 206, slice(0, None)),
        ("bytes=999999-9999999", 206, slice(999_999, None)),
        ("bytes=1000000-", 416, None),
        ("bytes=5-4", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=-", 200, slice(0, None)),
        ("bytes=0-1,5-6", 200, slice(0, None)),
        ("lines=1-2", 200, slice(0, None)),
    ],
)
def test_a_part_of_it(cluster: QuickCluster, asked: str, status: int, part: slice | None) -> None:
    who, content = cluster.user(), random.Random(7).randbytes(MIB)[:1_000_000]
    answer = get(who, upload(who, content), Range=asked)
    assert answer.status == status
    if part is None:
        assert (answer.headers["content-type"], answer.body["code"]) == (MEDIA_TYPE, "bad_range")
        assert answer.headers["content-range"] == "bytes */1000000"
        return
    assert answer.raw == content[part]
    if status == 206:
        start = content.index(answer.raw[:16]) if len(answer.raw) > 1 else int(asked[6:].split("-", maxsplit=1)[0])
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(answer.raw) - 1}/1000000"


def test_a_part_of_what_it_was_is_the_whole_of_what_it_is(cluster: QuickCluster) -> None:
    who = cluster.user()
    file = upload(who, b"0123456789")
    etag = get(who, file).headers["etag"]
    assert get(who, file, Range="bytes=2-3", **{"If-Range": etag}).raw == b"23"
    assert get(who, file, Range="bytes=2-3", **{"If-Range": '"other"'}).raw == b"0123456789"


def test_an_image_of_a_page_may_name_its_slot_in_the_address(cluster: QuickCluster) -> None:
    one, other = cluster.user(), cluster.user()
    browser = Browser(cluster.nodes)
    browser.log_in("main", one.name)
    browser.log_in("b", other.name)
    path = f"/api/files/{upload(other, b'x')['id']}"
    assert browser.call(None, "GET", path).status == 404, "the main slot is somebody else"
    assert browser.call(None, "GET", f"{path}?slot=b").status == 200
    assert browser.call("main", "GET", f"{path}?slot=b").status == 404, "the header comes first"
    for bad in ("", "B!", "b&slot=b"):
        assert browser.call(None, "GET", f"{path}?slot={bad}").status == 400, bad
    assert browser.call(None, "POST", "/api/files?name=a&slot=b", b"x").status == 403, "for reading alone"


def test_a_large_file_holds_up_nobody(cluster: QuickCluster) -> None:
    """While several are under way, calls on the same worker are answered."""
    who, content = cluster.user(), random.randbytes(20 * MIB)
    with ThreadPoolExecutor(4) as pool:
        under_way = [pool.submit(upload, who, content) for _ in range(4)]
        answered = 0
        while not all(each.done() for each in under_way):
            assert request(cluster.nodes[0], "GET", "/healthz", timeout=5).status == 200
            answered += 1
        files = [each.result() for each in under_way]
    assert answered > 5
    assert get(who, files[0]).raw == content


# --- avatars


def test_an_avatar_is_shown_to_everybody_but_the_blocked(cluster: QuickCluster) -> None:
    one, other, _ = cluster.pair()
    file = upload(one, picture("PNG", (600, 400)), "me.png", "image/png")
    path = f"/api/users/{one.name}/avatar"
    assert other.call("GET", path).status == 404, "none yet"
    assert one.ok("PATCH", "/api/me", {"avatar": file["id"]})["me"]["avatar"] == file["id"]
    answer = other.call("GET", f"{path}?v={file['id']}")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/webp")
    assert opened(answer.raw).size == (256, 256)
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert other.call("GET", path).headers["cache-control"] == "private, no-cache"
    assert cluster.client().call("GET", path).status == 401
    talk = one.state()["conversations"][0]["id"]
    assert send(one, talk, file["id"]).status == 404, "it is in use"
    for nobody in ("nobody-at-all", "%00", "..%2F", "%FF"):
        assert other.call("GET", f"/api/users/{nobody}/avatar").status == 404
    one.ok("PUT", f"/api/blocks/{other.name}")
    assert other.call("GET", path).status == 404


def test_an_avatar_is_a_picture_that_was_not_sent(cluster: QuickCluster) -> None:
    one, other, talk = cluster.pair()
    sent = upload(one, picture(), "p", "image/png")["id"]
    assert send(one, talk, sent).status == 201
    for id in (sent, upload(one, b"text")["id"], upload(other, picture(), "p", "image/png")["id"], "A" * 22):
        answer = one.call("PATCH", "/api/me", {"avatar": id})
        assert (answer.status, answer.body["code"]) == (400, "bad_avatar")


def test_who_has_left_a_group_sees_its_files_no_more(cluster: QuickCluster) -> None:
    one, other, _ = cluster.pair()
    group = one.ok("POST", "/api/conversations", {"name": "g", "members": [other.name]})["conversation"]["id"]
    files = {who: upload(who, picture(), "p", "image/png") for who in (one, other)}
    for who, file in files.items():
        assert send(who, group, file["id"]).status == 201
    assert [get(other, file).status for file in files.values()] == [200, 200]
    other.ok("DELETE", f"/api/conversations/{group}/members/{other.name}")
    refused = [get(other, file, part).status for file in files.values() for part in ("", "/thumbnail")]
    assert refused == [404] * 4, "not even one's own"
    assert [get(one, file).status for file in files.values()] == [200, 200]
