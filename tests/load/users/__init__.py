"""`./chat load users`: people in front of their browsers, on Locust, and an exact count of what reached them.

A person logs in, loads the snapshot, and keeps one poll parked all the time, in a greenlet of its own. Beside it he
writes to friends, reads history, sends read marks, thinks; now and then he closes the tab and comes back later.

Locust's statistics stay true: a poll has no response time, for to be held is its purpose, and one that ends without
news has not failed. What counts is WAKE: from the send until the friend's poll has brought the message, both ends in
this process. Ask for more people than one core can play, and WAKE measures this process: its own CPU is in the report.

    command → run → hooks → reporter     the options; one process; each run of Locust; what was found
    scenario → person → browser          who does what; the acts; the tab with its poll
    population, ledger, settling         what they share; every message; the end, where all must be accounted for
    accounts, connections, servers       who may log in; HTTP; whose CPU it is

Locust and what comes with it are not among the requirements of the checks: it is imported where it is used.
"""

from tests.load.users.command import users

__all__ = ["users"]
