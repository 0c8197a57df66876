"""Looks names up for the HTTP client and checks every address, so that what was checked is what is connected to.

A client may take for an address what no check took for one ("127。0。0。1"), and look nothing up. So each socket is
checked too, at the last moment, by the address that it is about to connect to.
"""

import socket

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from services.platform.delivery.channels.http.ssrf_guard import ForbiddenDestination, is_permitted


class CheckedResolver(AbstractResolver):
    """A name of which one address is forbidden is refused whole: it is either misconfigured or somebody's trap."""

    def __init__(self, *, sandbox: bool, names: AbstractResolver | None = None) -> None:
        self._sandbox = sandbox
        self._names = names or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises ForbiddenDestination, or OSError where the name cannot be looked up."""
        found = await self._names.resolve(host, port, family)
        if not all(is_permitted(each["host"], sandbox=self._sandbox) for each in found):
            raise ForbiddenDestination("the name stands for an address that is not public")
        return found

    def socket_for(self, about: AddrInfoType) -> socket.socket:
        """Raises ForbiddenDestination."""
        family, kind, protocol, _, address = about
        if not is_permitted(str(address[0]), sandbox=self._sandbox):
            raise ForbiddenDestination("the address is not public")
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        await self._names.close()
