"""Where a request comes from."""

import pytest
from starlette.requests import Request

from services.platform.runtime.problems import place_of


@pytest.mark.parametrize(
    ("host", "forwarded", "place"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "", "2001:db8:1:2::/64"),
        ("testclient", "", "testclient"),
        ("8.8.8.8", "9.9.9.9", "8.8.8.8"),
        ("10.0.0.1", "6.6.6.6, 9.9.9.9", "9.9.9.9"),
        ("10.0.0.1", "whatever", "10.0.0.1"),
        (None, "", ""),
    ],
)
def test_a_place_is_an_address_or_the_network_of_one_customer(host: str | None, forwarded: str, place: str) -> None:
    """Also behind a proxy that nobody has declared; what a stranger claims of itself counts nowhere."""
    client = None if host is None else (host, 1)
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert place_of(Request({"type": "http", "client": client, "headers": headers})) == place
