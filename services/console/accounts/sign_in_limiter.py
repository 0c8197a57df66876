"""Limits concurrent sign-ins: each password check occupies a core, and everybody behind it waits."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.requests import Request

MOST, MOST_FROM_ONE_PLACE = 20, 10
"""Within one process. One place alone never fills it: somebody on duty elsewhere still gets in, within seconds."""


class SignInLimiter:
    """Counts, in memory, the sign-ins that are under way in this process."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def slot(self, place: str) -> Iterator[bool]:
        """False if there is no room: then neither the database nor a password may be looked at."""
        if self._under_way.total() >= MOST or self._under_way[place] >= MOST_FROM_ONE_PLACE:
            yield False
            return
        self._under_way[place] += 1
        try:
            yield True
        finally:
            self._under_way[place] -= 1
            if not self._under_way[place]:
                del self._under_way[place]


def place_of(request: Request) -> str:
    """Where a sign-in comes from. Behind a proxy that nobody has declared: whom the proxy names last, which is the one
    address in that header that it wrote itself. Otherwise everybody behind it would be one place.
    """
    peer = request.client.host if request.client else ""
    network, address = network_of(peer)
    if address is not None and address.is_private:
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        behind, known = network_of(forwarded)
        return behind if known is not None else network
    return network


def network_of(host: str) -> tuple[str, IPv4Address | IPv6Address | None]:
    """The address itself; of IPv6 the /64 network, since one customer may use any address in it."""
    try:
        address = ip_address(host)
    except ValueError:
        return host, None
    is_long = isinstance(address, IPv6Address)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64" if is_long else str(address), address
