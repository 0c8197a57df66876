"""How many are at the sign-in page's door at once: each check of a password takes a core for a while, and whoever comes waits for those before."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address

MOST, MOST_FROM_ONE_PLACE = 20, 10
"""Within one process. One place alone never fills it: from elsewhere somebody on duty still gets in, within seconds."""


class SignInLimiter:
    """In memory: what it counts is under way in this process."""

    def __init__(self) -> None:
        self._here: Counter[str] = Counter()

    @contextmanager
    def slot(self, place: str) -> Iterator[bool]:
        """False where there is no room: nothing may be looked at then, neither the database nor a password."""
        if self._here.total() >= MOST or self._here[place] >= MOST_FROM_ONE_PLACE:
            yield False
            return
        self._here[place] += 1
        try:
            yield True
        finally:
            self._here[place] -= 1
            if not self._here[place]:
                del self._here[place]


def place_of(host: str | None) -> str:
    """Where an address is: of version 6, the network that one customer is given, of which they may use any address."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or ""
    return f"{IPv6Address(int(address) >> 64 << 64)}/64" if isinstance(address, IPv6Address) else str(address)
