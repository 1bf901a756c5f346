"""The settings: what is allowed, and still hardly meant."""

from __future__ import annotations

import os
from collections.abc import Iterator

from webchat.doctor.finding import Finding, ok, warning
from webchat.settings import Settings
from webchat.web.events import HOLD_MAX, JITTER

PART = "configuration"
COMMON_CUT = 30.0  # seconds after which common proxies cut a request that is not answered


def examine(settings: Settings) -> Iterator[Finding]:
    given = sorted(name for name in settings.environ() if name in os.environ)
    yield ok(PART, f"the settings are well-formed; from the environment: {', '.join(given) or 'none'}")
    longest = settings.poll_hold * (1 + JITTER)
    if longest > HOLD_MAX:
        yield warning(
            PART,
            f"polls are held for up to {longest:g} s: longer than nearly every proxy waits",
            f"set WEBCHAT_POLL_HOLD to at most {COMMON_CUT / (1 + JITTER):.0f}, or raise the timeouts of all proxies",
        )
    elif longest > COMMON_CUT:
        yield warning(
            PART,
            f"polls are held for up to {longest:g} s: common proxies cut after {COMMON_CUT:g} s",
            f"set WEBCHAT_POLL_HOLD to at most {COMMON_CUT / (1 + JITTER):.0f}, or let `--url` show that yours do not",
        )
    else:
        yield ok(PART, f"polls are held for up to {longest:g} s, under the {COMMON_CUT:g} s of common proxies")
    if "*" in settings.forwarded_allow_ips and not settings.on_loopback:
        yield warning(
            PART,
            "everybody may say in X-Forwarded-For who asks: limits by address can be walked around",
            "name your proxies in WEBCHAT_FORWARDED_ALLOW_IPS, and let nobody else reach the port",
        )
    cores = os.cpu_count() or 1
    if settings.workers > 2 * cores:
        yield warning(
            PART,
            f"{settings.workers} workers for {cores} cores: they take the time from one another",
            f"set WEBCHAT_WORKERS to {cores} or so",
        )
    if settings.dead_after >= settings.linger:
        yield warning(
            PART,
            f"a dead worker is noticed after {settings.dead_after:g} s, later than a mailbox lingers "
            f"({settings.linger:g} s): people who are gone may look online for longer",
            "let WEBCHAT_DEAD_AFTER be less than WEBCHAT_LINGER",
        )
