"""Clocks: tokens end, and messages are dated, by those of the hosts."""

from __future__ import annotations

from webchat.doctor.finding import Finding, ok, problem, seconds, warning

PART = "clock"
OFF, WRONG = 0.5, 30.0  # seconds
REMEDY = "let both hosts keep time by NTP (`timedatectl`, `chronyc tracking`)"


def compared(whose: str, ahead: float, uncertain: float) -> Finding:
    """`ahead`: seconds by which that clock is ahead of ours, known to within `uncertain` seconds."""
    how = "ahead of" if ahead > 0 else "behind"
    says = f"{whose} is {seconds(abs(ahead))} {how} this machine's"
    if abs(ahead) - uncertain > WRONG:
        return problem(PART, f"{says}: messages are dated wrong, and tokens end at the wrong time", REMEDY)
    if abs(ahead) - uncertain > OFF:
        return warning(PART, f"{says}: the measured delivery of messages is off by as much", REMEDY)
    return ok(PART, f"{whose} and this machine's agree to within {seconds(max(abs(ahead), uncertain))}")
