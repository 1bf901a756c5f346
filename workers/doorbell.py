"""Is there a Redis behind the operator's URL? Asked once, before anything is started."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from webchat.errors import SetupError

PATIENCE = 3.0  # seconds: containers started together come up in any order


def check(url: str) -> None:
    """PING it. SetupError, in one line and without the URL's password, when it does not answer."""
    import redis  # 0.15 s that nobody pays who uses the bundled Valkey

    shown = without_password(url)
    deadline = time.monotonic() + PATIENCE
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, retry=None)
    except (ValueError, redis.RedisError) as error:
        raise SetupError(f"WEBCHAT_REDIS_URL={shown} cannot be used: {error}") from None
    with client:
        while True:
            try:
                client.ping()
                return
            except (redis.AuthenticationError, redis.ResponseError) as error:
                raise SetupError(f"WEBCHAT_REDIS_URL={shown} is refused: {error}") from None
            except (redis.RedisError, OSError) as error:
                if time.monotonic() > deadline:
                    raise SetupError(f"WEBCHAT_REDIS_URL={shown} does not answer: {error}") from None
            time.sleep(0.1)


def without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")).geturl()
