"""Is there a Redis behind the operator's URL? Asked once, before anything is started."""

from __future__ import annotations

import time

from webchat.errors import SetupError
from webchat.redis_url import VARIABLE, parse, without_password

PATIENCE = 3.0  # seconds: containers started together come up in any order


def check(url: str) -> None:
    """PING it. SetupError, in one line and without the URL's password, when it does not answer."""
    import redis  # 0.15 s that nobody pays who uses the bundled Valkey

    from webchat.data.bus_redis.line import client
    from webchat.data.bus_redis.servers import servers

    parsed = parse(url)
    shown = f"{VARIABLE}={without_password(url)}"
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with client(servers(parsed, patience=1)[0], timeout=1) as one:
                one.ping()
            return
        except (ValueError, TypeError) as error:  # of an option that the library does not know
            raise SetupError(f"{shown} cannot be used: {error}") from None
        except (redis.AuthenticationError, redis.ResponseError) as error:
            raise SetupError(f"{shown} is refused: {error}") from None
        except (redis.RedisError, OSError, IndexError) as error:
            if time.monotonic() > deadline:
                raise SetupError(f"{shown} does not answer: {error}") from None
        time.sleep(0.1)
