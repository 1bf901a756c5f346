"""Files that were sent with messages, against what other members could download in the end."""

from __future__ import annotations

from tests.faults.oracle.facts import Facts, Violation


def check(facts: Facts) -> list[Violation]:
    found = []
    looked = {record["id"]: record for record in facts.finals["final.file"]}
    there = {message["id"]: message for history in facts.histories.values() for message in history}
    for cid, send in facts.sends.items():
        if send.file is None or not send.acks or facts.is_lost(send.acks[0]["t"]):
            continue
        message = there.get(send.acks[0]["message"]["id"])
        if message is None:
            continue  # that it is gone is another check's
        id, is_gone = send.file["id"], bool(message.get("deleted"))
        if not is_gone and [file["id"] for file in message.get("files", ())] != [id]:
            found.append(Violation("files", f"{cid} was sent with the file {id}, and is there as {message}"))
        if id not in looked:
            continue
        status, digest = looked[id]["status"], looked[id].get("digest")
        if (status, digest) != ((404, None) if is_gone else (200, send.file["digest"])):
            what = "deleted" if is_gone else "sent"
            found.append(Violation("files", f"the file of {cid}, {what}: {status}, {digest}", looked[id]["t"]))
    return found
