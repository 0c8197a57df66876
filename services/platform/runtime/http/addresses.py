"""Tells requests apart by where they come from."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.requests import Request


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
