"""Where a notice may go: addresses in every spelling, and URLs."""

import pytest

from services.platform.delivery.channels.webhook import ForbiddenDestination, is_permitted, require_permitted_url
from tests.support.addresses import FORBIDDEN, PERMITTED


def test_the_table_has_at_least_sixty_cases() -> None:
    assert len(set(FORBIDDEN)) + len(set(PERMITTED)) >= 60


@pytest.mark.parametrize("address", FORBIDDEN)
def test_no_address_inside_or_beside_the_internet_is_connected_to(address: str) -> None:
    assert not is_permitted(address, sandbox=False)


@pytest.mark.parametrize("address", PERMITTED)
def test_public_addresses_are_connected_to(address: str) -> None:
    assert is_permitted(address, sandbox=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.0.2.4"])
def test_loopback_and_a_played_network_are_open_in_a_declared_sandbox_alone(address: str) -> None:
    assert is_permitted(address, sandbox=True)
    assert not is_permitted(address, sandbox=False)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "169.254.169.254", "0.1.2.3", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "::ffff:192.0.2.4"]
)
def test_a_sandbox_opens_nothing_else(address: str) -> None:
    assert not is_permitted(address, sandbox=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://police.example/notices", "ftp://police.example/", "file:///etc/passwd", "gopher://police.example/", "//police.example/",
        "https://", "https:///notices", "https://user:secret@police.example/", "https://user@police.example/",
        "https://127.0.0.1/", "https://10.0.0.1:8443/x", "https://[::1]/", "https://[fe80::1%25eth0]/", "https://169.254.169.254/latest",
        "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://127.1/", "https://0177.0.0.1/", "https://1.2.3.4./",
        "https://[::ffff:169.254.169.254]/", "https://police.example:99999/", "https://[::1", "not a url", "",
    ],
)  # fmt: skip
def test_a_url_that_is_not_plain_public_https_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenDestination):
        require_permitted_url(url, sandbox=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://police.example/notices",
        "https://police.example:8443/n",
        "https://93.184.216.34/",
        "https://xn--heddlu-abc.example/",
    ],
)
def test_public_https_is_let_through(url: str) -> None:
    require_permitted_url(url, sandbox=False)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8100/n", "http://localhost:8100/n", "http://[::1]:8100/n", "http://192.0.2.4:8200/n"]
)
def test_plain_http_is_for_the_sandbox_alone(url: str) -> None:
    require_permitted_url(url, sandbox=True)
    with pytest.raises(ForbiddenDestination):
        require_permitted_url(url, sandbox=False)


def test_plain_http_to_a_public_host_is_refused_even_in_the_sandbox() -> None:
    with pytest.raises(ForbiddenDestination):
        require_permitted_url("http://police.example/", sandbox=True)
