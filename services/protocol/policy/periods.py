"""Lengths of time as the protocol writes them: `30s`, `5m`, `24h`, `28d`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

LENGTH = re.compile(r"^(?P<count>[1-9][0-9]{0,4}|0)(?P<unit>[smhd])$")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def length(written: object) -> timedelta:
    """Raises ValueError for anything but a whole number and one of s, m, h, d."""
    match = LENGTH.match(written) if isinstance(written, str) else None
    if match is None:
        msg = f"{written!r} is no length of time: write 30s, 5m, 24h or 28d"
        raise ValueError(msg)
    return timedelta(**{UNITS[match["unit"]]: int(match["count"])})


def spoken(span: timedelta) -> str:
    """`1 minute`, `24 hours`, `3 days`: the largest unit that divides it, but up to 72 hours rather hours than days."""
    seconds = int(span.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if unit == "day" and seconds <= 72 * 3600:
            continue
        if seconds % size == 0 and seconds >= size:
            count = seconds // size
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return "0 seconds"


Length = Annotated[timedelta, BeforeValidator(length)]
