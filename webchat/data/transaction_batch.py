"""What the engines' ways to send in one statement have in common: which drafts go together, and what is rung for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from webchat.data.store import as_message
from webchat.data.transaction import Transaction
from webchat.entities.feed import Entry, MessageEvent, encode
from webchat.entities.talk import Draft, Posted

BATCH_MAX = 64  # drafts in one statement: bounds how many rows it holds, and what one failure takes down


class BatchTransaction(Transaction, ABC):
    """By the rule of `Transaction.post`; one contract test holds both."""

    def post(self, drafts: Sequence[Draft]) -> list[Posted | None]:
        posted: list[Posted | None] = []
        for start in range(0, len(drafts), BATCH_MAX):
            some = drafts[start : start + BATCH_MAX]
            posted += [one or self._post(draft) for one, draft in zip(self.send(some), some, strict=True)]
        return posted

    @abstractmethod
    def send(self, drafts: Sequence[Draft]) -> list[Posted | None]:
        """`post`, in one statement, for up to `BATCH_MAX` drafts; None also for one that was sent before."""

    def _sent(self, drafts: Sequence[Draft], rows: Iterable[Sequence[int]]) -> list[Posted | None]:
        """What the statement has sent, and its rings. `rows`, in the order of the drafts: (place among the drafts,
        message, its number, a member, the entry's number in that member's feed)."""
        posted: list[Posted | None] = [None] * len(drafts)
        n = -1
        event = b""
        for row_of, id, number, member, entry in rows:
            draft = drafts[row_of]
            if row_of != n:
                n = row_of
                text, client_id, sent_at, extra = draft.text, draft.client_id, draft.sent_at, draft.extra
                message = as_message((id, draft.conversation, number, draft.name, text, sent_at, client_id, extra))
                if message.reply_to is not None:
                    (message,) = self.with_quotes([message])
                posted[n] = Posted(message, True)
                event = encode(MessageEvent(message))
            self.rings.append(Entry(member, entry, event, draft.device if member == draft.sender else ""))
        return posted
