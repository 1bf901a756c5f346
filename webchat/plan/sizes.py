"""How much of everything a deployment needs: multiplications of what was measured, and what the asker assumes.

Where there are two figures the dear one is taken: a message that comes alone costs three times what it costs in a
crowd, and nobody plans for the crowd. A core is taken for one core of the machine that was measured.
"""

from __future__ import annotations

import math

import msgspec

from webchat.plan.coefficients import measured
from webchat.plan.queue import Latency, simulate

HOUR = 3600.0
DAY = 86_400
LOOK_EVERY = 5.0  # seconds


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """What no measurement says; each is an option of the command."""

    users: int  # connected at the same time
    rate: float = 10.0  # messages of one user in an hour
    members: float = 2.0  # of the conversation that a message goes to
    visits: float = 1.0  # comings and goings of one user in an hour
    hold: float = 25.0  # seconds that a poll with no news is held
    busy: float = 0.5  # of a core that may be in use
    parked: int = 8_000  # polls of one worker, at most
    cores: int = 16  # of one host
    message: int = 1_000  # bytes of a message on the wire, heads included, each time it is carried
    poll: int = 1_000  # bytes of an empty poll and its answer
    row: int = 600  # bytes of a message in the database, entries and indexes included
    partition: int = 100_000_000  # messages of one partition, as `data.partitions` makes them
    keep: int = 365  # days
    shard_disk: int = 10_000  # GB of one PostgreSQL server, at most
    host_price: float | None = None  # of a host and month
    gigabyte_price: float | None = None  # of a GB that leaves
    disk_price: float | None = None  # of a GB kept and month


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`*_cores` at full use; `*_hosts` at the assumed use; cost a month, None where no price is given."""

    messages: float  # a second
    deliveries: float  # a second
    polls: float  # a second, that nothing ended but their hold
    node_cores: float
    workers: int
    node_hosts: int
    memory: float  # GiB, of parked polls
    database_cores: float
    presence: float  # comings and goings a second
    shards: int  # PostgreSQL servers
    shards_why: str
    ring_commands: float  # a second
    bells: int  # shards of the doorbell
    ring_traffic: float  # Mbit/s into Redis, and as many out
    outgoing: float  # Mbit/s
    partitions: float  # a day
    disk: float  # GB
    latency: Latency  # simulated, at this use
    cost: float | None


def plan(assumed: Assumptions) -> Plan:
    messages = assumed.users * assumed.rate / HOUR
    deliveries = messages * (assumed.members - 1)
    renewed = assumed.users / assumed.hold
    node = _node_seconds(assumed, messages, deliveries, renewed)
    workers = max(math.ceil(node / assumed.busy), math.ceil(assumed.users / assumed.parked))
    # A send's statements touch a feed for each member: half of their cost is taken to be of the members.
    size = 0.5 + 0.5 * assumed.members / 2
    database = messages * size * measured("postgres_server") / 1e6
    presence = assumed.users * assumed.visits / HOUR
    by_cores = math.ceil(database / assumed.busy / assumed.cores)
    rings = messages * assumed.members
    hosts = math.ceil(workers / assumed.cores)
    bells = max(1, math.ceil(rings * measured("ring_cpu") / 1e6 / assumed.busy))
    outgoing = (messages + deliveries) * assumed.message + renewed * assumed.poll  # bytes a second
    disk = messages * DAY * assumed.keep * assumed.row * size / 1e9
    needs = {
        "sends": by_cores,
        "presence": math.ceil(presence / measured("presence_changes")),
        "disk": math.ceil(disk / assumed.shard_disk),
    }
    why = max(needs, key=lambda name: needs[name])
    shards = max(needs[why], 1)
    prices = (assumed.host_price, assumed.gigabyte_price, assumed.disk_price)
    cost = None
    if any(price is not None for price in prices):
        all_hosts = hosts + shards + math.ceil(bells / assumed.cores)
        amounts = (all_hosts, outgoing * DAY * 30 / 1e9, disk)
        cost = sum((price or 0.0) * amount for price, amount in zip(prices, amounts, strict=True))
    return Plan(
        messages=messages,
        deliveries=deliveries,
        polls=renewed,
        node_cores=node,
        workers=workers,
        node_hosts=hosts,
        memory=assumed.users * measured("poll_memory") / 2**20,
        database_cores=database,
        presence=presence,
        shards=shards,
        shards_why=why,
        ring_commands=rings,
        bells=bells,
        ring_traffic=rings * measured("ring_bytes") * 8 / 1e6,
        outgoing=outgoing * 8 / 1e6,
        partitions=messages * DAY / assumed.partition,
        disk=disk,
        latency=latency_when(assumed.busy),
        cost=cost,
    )


def _node_seconds(assumed: Assumptions, messages: float, deliveries: float, renewed: float) -> float:
    """CPU seconds of all nodes in a second: sends with their first delivery, further ones, polls, looks at the tops."""
    further = measured("node_cpu") * measured("loop_share") / 2
    look = measured("look_cpu") / LOOK_EVERY
    spent = messages * measured("postgres_nodes") + max(0.0, deliveries - messages) * further
    return (spent + renewed * measured("poll_cpu") + assumed.users * look) / 1e6


def sqlite_stations() -> tuple[float, float, float]:
    """Seconds that a message that comes alone takes of each: the sender's loop, the committer, the receiver's loop."""
    cpu = measured("node_cpu") / 1e6
    loop = cpu * measured("loop_share") / 2
    return loop, cpu * measured("commit_share"), loop


def stations() -> tuple[float, float, float]:
    """The same on PostgreSQL: the sender's node, a core of the server, the receiver's loop."""
    deliver = measured("node_cpu") * measured("loop_share") / 2
    return (measured("postgres_nodes") - deliver) / 1e6, measured("postgres_server") / 1e6, deliver / 1e6


def latency_when(busy: float) -> Latency:
    """Simulated from send to receipt, where the busiest station of the way is in use to this part."""
    services = stations()
    return simulate(busy / max(services), services)
