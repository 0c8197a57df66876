"""Limits requests before they reach the database: by address and name, and by address alone."""

from collections.abc import Iterator
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import count

from cachetools import TTLCache
from prometheus_client import Counter
from pydantic import Field
from starlette.requests import Request

from services.platform.runtime.http.problems import Problem
from services.platform.runtime.settings import EnvironmentSettings


def place_of(request: Request) -> str:
    """Where a request comes from. Behind a proxy that nobody has declared: whom the proxy names last, which is the one
    address in that header that it wrote itself. Otherwise everybody behind it would be one place.
    """
    peer = request.client.host if request.client else ""
    network, address = _network_of(peer)
    if address is not None and address.is_private:
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        behind, known = _network_of(forwarded)
        return behind if known is not None else network
    return network


def _network_of(host: str) -> tuple[str, IPv4Address | IPv6Address | None]:
    """The address itself; of IPv6 the /64 network, since one customer may use any address in it."""
    try:
        address = ip_address(host)
    except ValueError:
        return host, None
    is_long = isinstance(address, IPv6Address)
    return str(ip_network((address, 64), strict=False)) if is_long else str(address), address


WITHIN_SECONDS = 60
MOST_OF_A_STRANGER = 60
MOST_OF_SOMEBODY_KNOWN = 1200
"""An agency that sends more within a minute waits, and loses nothing: it sends the same again."""
NAMES_OF_AN_ADDRESS = 10
"""One address may ask as often as so many strangers: a gateway may have many people behind it, and a flood of made-up
names still ends.
"""
KNOWN_FOR_SECONDS = 3600
MOST_KEYS = 10_000
NAME_LETTERS = 200
"""What is kept of a name. No honest one is longer, and ones as long as a request would fill the memory."""
HELD_BACK = Counter("requests_held_back", "Requests that were not looked at, since too many came", ["who"])
for who in ("known", "stranger"):
    HELD_BACK.labels(who)


class StrangerSettings(EnvironmentSettings):
    stranger_requests: int = Field(
        default=MOST_OF_A_STRANGER,
        ge=1,
        description="how many requests a minute are looked at of a name that is not known at an address",
    )


class Strangers:
    """Counts requests. Whoever was known by a name at an address lately has a count of their own: a stranger with the
    same address, a proxy's for instance, does not shut them out.
    """

    def __init__(self) -> None:
        self._most = StrangerSettings().stranger_requests
        self._asked: TTLCache[tuple[str, ...], Iterator[int]] = TTLCache(MOST_KEYS, WITHIN_SECONDS)
        self._known: TTLCache[tuple[str, ...], bool] = TTLCache(MOST_KEYS, KNOWN_FOR_SECONDS)

    def let_in(self, request: Request, name: str) -> None:
        """Counts the request; `name` is what it says of itself. Raises Problem 429 if there were too many."""
        somebody = _somebody(request, name)
        known = somebody in self._known
        is_too_often = self._count((*somebody, str(known))) > (MOST_OF_SOMEBODY_KNOWN if known else self._most)
        if is_too_often or (not known and self._count(somebody[:1]) > self._most * NAMES_OF_AN_ADDRESS):
            HELD_BACK.labels("known" if known else "stranger").inc()
            headers = {"Retry-After": str(WITHIN_SECONDS)}
            detail = "Too many requests: this one was not processed. Send it again after the seconds in Retry-After."
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many", detail, headers=headers)

    def _count(self, whose: tuple[str, ...]) -> int:
        return next(self._asked.setdefault(whose, count(1)))

    def remember(self, request: Request, name: str) -> None:
        """Notes that the request proved to be from `name`: from now on it has a count of its own."""
        self._known[_somebody(request, name)] = True


def _somebody(request: Request, name: str) -> tuple[str, str]:
    return place_of(request), name[:NAME_LETTERS]
