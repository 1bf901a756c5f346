"""Who may log in: accounts from a file that `./chat load seed` wrote, or new ones that are registered by the API.

Either way they are people who know one another: everybody has friends among those who take part.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent

from tests.load import seed
from tests.load.users.connections import Answer, ConnectionPool, Refused
from tests.load.users.greenlets import each

FRIENDS = 4  # of each person that is registered here


@dataclass(slots=True)
class Account:
    """An account that one person at a time may use. Without a token, he logs in."""

    name: str
    token: str = ""
    password: str = ""
    friends: list[str] = field(default_factory=list)


def choose(accounts: list[Account], count: int) -> list[Account]:
    """`count` people who know one another: friends of friends of the first."""
    by_name = {account.name: account for account in accounts}
    chosen: dict[str, Account] = {}
    for start in accounts:
        queue = [start]
        for account in queue:
            if len(chosen) == count:
                return list(chosen.values())
            if account.name not in chosen:
                chosen[account.name] = account
                queue += [by_name[name] for name in account.friends if name in by_name and name not in chosen]
    return list(chosen.values())


def take(path: Path, count: int) -> list[Account]:
    """`count` accounts of a file. Raises Refused where it holds fewer."""
    accounts = choose([Account(user.name, user.token, friends=user.friends) for user in seed.read(path)], count)
    if len(accounts) < count:
        raise Refused(f"{path} holds {len(accounts)} users; {count} were asked for")
    return accounts


def register(urls: list[str], count: int, show: Callable[[str], None]) -> list[Account]:
    """New accounts and friendships by the API, as fast as the deployment's limits allow. Raises Refused."""
    pool, run = ConnectionPool(urls), secrets.token_hex(3)
    accounts = [Account(f"load-{run}-{index}", password=secrets.token_hex(8)) for index in range(count)]
    done = 0

    def ask(method: str, path: str, token: str = "", body: Any = None) -> Answer:
        while True:
            answer = pool.request(method, path, token, body)
            if answer.status != 429:
                if answer.status >= 300:
                    raise Refused(f"{method} {path}: {answer}")
                return answer
            show(f"registering {done}/{count}; the deployment's rate limits slow it down (`./chat load seed` has none)")
            gevent.sleep(max(1.0, answer.wait))

    def enter(account: Account) -> None:
        nonlocal done
        body = {"name": account.name, "password": account.password}
        ask("POST", "/api/users", body=body)
        account.token = ask("POST", "/api/tokens", body=body).body["token"]
        done += 1
        show(f"registering {done}/{count}")

    def befriend(pair: tuple[int, int]) -> None:
        one, other = (accounts[index] for index in pair)
        ask("POST", "/api/friends", one.token, {"name": other.name})
        ask("PUT", f"/api/friends/{one.name}", other.token)

    # A ring in which everybody knows the next few: nobody is without friends.
    steps = range(1, FRIENDS // 2 + 1)
    pairs = {(index, (index + step) % count) for index in range(count) for step in steps}
    pairs = {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}
    failures: list[Exception] = list(each(lambda index: enter(accounts[index]), range(count), 4).values())
    show("befriending")
    failures += [] if failures else each(befriend, sorted(pairs), 4).values()
    if failures:
        raise Refused(f"cannot make accounts by the API: {failures[0]}")
    for account in accounts:
        account.token = ""  # logging in is a part of what people do
    return accounts
