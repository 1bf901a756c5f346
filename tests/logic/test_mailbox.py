"""The mailbox's law, by hand and by a machine that does anything in any order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from webchat.entities.feed import Entry
from webchat.logic.mailbox import MURMUR_KEPT, MURMURS_MAX, TAIL_MAX, Mailbox, Put, Wake

USER = 7


def event(number: int) -> bytes:
    return b"event %d" % number


def test_the_next_number_is_appended_and_wakes() -> None:
    box = Mailbox(USER, top=4, mark=0)
    parked = box.park(1, 6, 24)
    assert box.put(5, event(5)) is Put.APPENDED
    assert parked.woken
    assert box.after(4) == [event(5)]
    assert box.after(5) == []


def test_what_is_known_is_dropped_and_wakes_nobody() -> None:
    box = Mailbox(USER, top=4, mark=0)
    parked = box.park(1, 6, 24)
    assert box.put(4, event(4)) is Put.KNOWN
    assert not parked.woken


def test_what_a_device_said_itself_is_no_news_to_it_alone() -> None:
    box = Mailbox(USER, top=4, mark=0)
    own, other, nameless = (box.park(1, 6, 24, device) for device in ("laptop", "phone", ""))
    box.put(5, event(5), "laptop")
    assert (own.woken, other.woken, nameless.woken) == (False, True, True)
    assert [box.has_news(4, 0, device) for device in ("laptop", "phone", "")] == [False, True, True]
    box.put(6, event(6))
    assert own.woken
    assert box.has_news(4, 0, "laptop")
    assert box.after(4) == [event(5), event(6)], "then it gets all of it"
    assert not box.has_news(6, 0, "laptop")


def test_what_the_database_said_is_news_to_everybody() -> None:
    box = Mailbox(USER, top=4, mark=0)
    own = box.park(1, 6, 24, "laptop")
    box.extend([Entry(USER, 5, event(5))])
    assert own.woken
    assert box.has_news(4, 0, "laptop")


def test_a_gap_is_not_guessed_at() -> None:
    box = Mailbox(USER, top=4, mark=0)
    parked = box.park(1, 6, 24)
    assert box.put(6, event(6)) is Put.GAP
    assert box.stale
    assert box.top == 4
    assert parked.woken
    box.extend([Entry(USER, 4, event(4)), Entry(USER, 5, event(5)), Entry(USER, 6, event(6))])
    assert box.after(4) == [event(5), event(6)]


def test_the_tail_says_when_it_does_not_reach_back() -> None:
    box = Mailbox(USER, top=10, mark=0)
    assert box.after(9) is None
    assert box.after(10) == []
    for number in range(11, 11 + TAIL_MAX + 1):
        box.put(number, event(number))
    assert box.after(10) is None
    assert len(box.after(11) or []) == TAIL_MAX


def test_entries_behind_a_trimmed_hole_start_a_new_tail() -> None:
    box = Mailbox(USER, top=4, mark=0)
    box.put(5, event(5))
    box.extend([Entry(USER, 90, event(90)), Entry(USER, 91, event(91))])
    assert box.top == 91
    assert box.after(89) == [event(90), event(91)]
    assert box.after(5) is None


def test_the_newest_poll_evicts_the_oldest_of_its_session_then_of_the_user() -> None:
    box = Mailbox(USER, top=0, mark=0)
    polls = [box.park(1, 2, 3), box.park(1, 2, 3)]

    def evicted() -> list[int]:
        return [number for number, poll in enumerate(polls) if poll.reason is Wake.EVICTED]

    polls.append(box.park(1, 2, 3))
    assert evicted() == [0], "the oldest of the session"
    polls.append(box.park(2, 2, 3))
    assert evicted() == [0]
    polls.append(box.park(3, 2, 3))
    assert evicted() == [0, 1], "the oldest of the user"


def test_revoking_ends_one_sessions_polls_and_those_still_on_their_way() -> None:
    box = Mailbox(USER, top=0, mark=0)
    mine, theirs = box.park(1, 6, 24), box.park(2, 6, 24)
    assert box.revoke(1) is False
    assert mine.reason is Wake.REVOKED
    assert theirs.reason is None
    assert 1 in box.revoked
    assert box.revoke(2) is True


def test_a_hint_wakes_once_and_never_goes_back() -> None:
    box = Mailbox(USER, top=0, mark=3)
    parked = box.park(1, 6, 24)
    box.hint(6)
    assert parked.woken
    parked.woken = False
    for known in (5, 6):
        box.hint(known)
        assert not parked.woken
    assert box.mark == 6


def test_what_one_poll_reads_up_wakes_the_others() -> None:
    """Its ring, when it comes at last, is known and wakes nobody."""
    box = Mailbox(USER, top=4, mark=0)
    parked = box.park(1, 6, 24)
    box.extend([Entry(USER, 5, event(5))])
    assert parked.woken
    assert box.put(5, event(5)) is Put.KNOWN


def test_who_has_left_a_group_is_not_told_from_memory_what_was_said_there() -> None:
    box = Mailbox(USER, top=4, mark=0)
    box.put(5, event(5))
    box.put(6, b'{"type":"left","conversation":3}')
    box.put(7, event(7))
    assert box.after(4) is None, "the database knows what of it is still this user's"
    assert box.after(5) == [b'{"type":"left","conversation":3}', event(7)]


def test_a_murmur_wakes_who_waits_and_has_no_number() -> None:
    box = Mailbox(USER, top=4, mark=0)
    one, other = box.park(1, 6, 24), box.park(1, 6, 24)
    for _ in range(2):
        box.murmur(b"typing", now=10.0)
    assert (one.woken, other.woken) == (True, True)
    assert one.heard == other.heard == (b"typing",)
    assert (box.top, box.tail, box.murmurs) == (4, [], ())


def test_a_murmur_waits_for_the_next_poll_but_not_for_long() -> None:
    box = Mailbox(USER, top=4, mark=0)
    for now, said in ((10.0, b"ann"), (11.0, b"bob"), (12.0, b"ann")):
        box.murmur(said, now)
    assert box.take_murmurs(12.5) == [b"bob", b"ann"]
    assert box.take_murmurs(12.5) == [], "told once"
    box.murmur(b"ann", now=20.0)
    assert box.take_murmurs(20.0 + MURMUR_KEPT) == []
    for number in range(2 * MURMURS_MAX):
        box.murmur(event(number), now=30.0)
    assert len(box.murmurs) == MURMURS_MAX
    assert box.take_murmurs(30.0)[-1] == event(2 * MURMURS_MAX - 1)


class MailboxMachine(RuleBasedStateMachine):
    """A feed in a list is the truth; rings of it come late, twice or never. Two clients follow it."""

    def __init__(self) -> None:
        super().__init__()
        self.feed: list[Entry] = []
        self.box = Mailbox(USER, top=0, mark=0)
        self.seen: dict[int, list[bytes]] = {1: [], 2: []}

    @rule()
    def commit(self) -> None:
        number = len(self.feed) + 1
        self.feed.append(Entry(USER, number, event(number)))

    @rule(data=st.data())
    def ring(self, data: st.DataObject) -> None:
        if self.feed:
            entry = data.draw(st.sampled_from(self.feed[-5:]))
            self.box.put(entry.number, entry.event)

    @rule()
    def miss(self) -> None:
        self.box.miss()

    @rule(session=st.sampled_from([1, 2]))
    def look(self, session: int) -> None:
        """What `Hub._look` does, on a list in place of the database."""
        seen = self.seen[session]
        if self.box.stale:
            self.box.stale = False
            self.box.extend(self.feed[self.box.top :])
        news = self.box.after(len(seen))
        seen += [entry.event for entry in self.feed[len(seen) :]] if news is None else news

    @rule(session=st.sampled_from([1, 2]))
    def park_and_leave(self, session: int) -> None:
        parked = self.box.park(session, 2, 3)
        self.box.leave(parked)

    @rule()
    def linger_out_and_reopen(self) -> None:
        self.box = Mailbox(USER, top=len(self.feed), mark=0)

    @invariant()
    def nobody_saw_a_gap_a_double_or_a_swap(self) -> None:
        for seen in self.seen.values():
            assert seen == [event(number) for number in range(1, len(seen) + 1)]

    @invariant()
    def the_tail_leads_up_to_the_top(self) -> None:
        tail = [entry for entry, _ in self.box.tail]
        assert tail == [event(number) for number in range(self.box.top - len(tail) + 1, self.box.top + 1)]
        assert self.box.top <= len(self.feed)

    @invariant()
    def a_ring_beyond_the_top_leaves_it_stale_or_is_in_it(self) -> None:
        assert not self.box.parked


MailboxMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestMailboxMachine = MailboxMachine.TestCase
