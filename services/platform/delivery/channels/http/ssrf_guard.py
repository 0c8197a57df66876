"""Refuses connections to addresses that are not public, whatever a name or a URL claims.

Names are looked up here for the HTTP client and every address is checked, so that what was checked is what is
connected to. A client may take for an address what no check took for one ("127。0。0。1"), and look nothing up. So each
socket is checked too, at the last moment, by the address that it is about to connect to.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import urlsplit

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from services.platform.runtime.settings import PLAYED, is_played

Address: TypeAlias = IPv4Address | IPv6Address

NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")
NEVER = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
        "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
        "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
"""Beside those that `ipaddress` calls private: its list differs between Python versions, and lacks cloud metadata."""


class ForbiddenDestination(Exception):
    """The URL, or an address that its name stands for, is none that notices may go to. The text names no address."""


def is_permitted(address: str, *, sandbox: bool) -> bool:
    """A sandbox's addresses only in a declared sandbox; of those that carry an IPv4 address inside, that is judged."""
    try:
        parsed = ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    judged = _inner(parsed)
    if judged.is_loopback or judged in PLAYED:
        return sandbox and judged == parsed
    if any(judged in network for network in NEVER if network.version == judged.version):
        return False
    return judged.is_global and not (
        judged.is_private or judged.is_multicast or judged.is_reserved or judged.is_unspecified
    )


def require_permitted_url(url: str, *, sandbox: bool) -> None:
    """HTTPS, no credentials, no oddly spelt address, names as looked up (`xn--`). Raises ForbiddenDestination."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ForbiddenDestination("the URL cannot be read") from None
    if not host or parts.username is not None or parts.password is not None:
        raise ForbiddenDestination("the URL names no host, or carries credentials")
    if _is_literal(host):
        if not is_permitted(host, sandbox=sandbox):
            raise ForbiddenDestination("the address is not public")
    elif not host.isascii() or "%" in host or _spells_a_number(host):
        raise ForbiddenDestination("the host is an address in an unusual spelling")
    if parts.scheme != "https" and not (parts.scheme == "http" and sandbox and is_played(host)):
        raise ForbiddenDestination("only HTTPS")


def _inner(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    if address in NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    return True


def _spells_a_number(host: str) -> bool:
    """`2130706433`, `0x7f.1`, `127.1`, `0177.0.0.1`: what the C library would take for an address."""
    last = host.rstrip(".").rsplit(".", maxsplit=1)[-1]
    return last.isdigit() or last.startswith("0x")


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
