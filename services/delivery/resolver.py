"""Looks names up for the HTTP client and checks every address, so that what was checked is what is connected to."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from services.delivery.addresses import ForbiddenDestination, is_permitted


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

    async def close(self) -> None:
        await self._names.close()
