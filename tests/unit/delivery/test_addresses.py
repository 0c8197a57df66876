"""Where a notice may go: addresses in every spelling, and URLs."""

import pytest

from services.delivery.addresses import ForbiddenDestination, is_permitted, require_permitted_url

FORBIDDEN = [
    # this host, loopback
    "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.0.0.53", "127.255.255.254", "::", "::1", "::1%lo",  # noqa: S104
    # private
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "fc00::1", "fd12:3456::1",
    # carrier-grade NAT, link-local, metadata of clouds
    "100.64.0.1", "100.127.255.255", "169.254.0.1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "fec0::1",
    "fd00:ec2::254", "168.63.129.16",
    # benchmarks, documentation, protocol assignments, multicast, reserved, broadcast
    "198.18.0.1", "198.19.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
    # IPv4 inside IPv6: mapped, compatible, 6to4, NAT64, Teredo, local NAT64
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1", "::10.0.0.1",
    "2002:7f00:1::", "2002:a00:1::", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::808:808",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    # no address at all
    "", "localhost", "2130706433", "0x7f.0.0.1", "127.1", "1.2.3.4.5", "999.1.1.1", "01.02.03.04",
]  # fmt: skip
PERMITTED = [
    "8.8.8.8", "1.1.1.1", "93.184.216.34", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.167.1.1",
    "2606:4700:4700::1111", "2a00:1450:4009::200e", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::",
]  # fmt: skip


def test_the_table_has_at_least_sixty_cases() -> None:
    assert len(set(FORBIDDEN)) + len(set(PERMITTED)) >= 60


@pytest.mark.parametrize("address", FORBIDDEN)
def test_no_address_inside_or_beside_the_internet_is_connected_to(address: str) -> None:
    assert not is_permitted(address, sandbox=False)


@pytest.mark.parametrize("address", PERMITTED)
def test_public_addresses_are_connected_to(address: str) -> None:
    assert is_permitted(address, sandbox=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_loopback_is_open_in_a_declared_sandbox_alone(address: str) -> None:
    assert is_permitted(address, sandbox=True)
    assert not is_permitted(address, sandbox=False)


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "0.1.2.3", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_a_sandbox_opens_nothing_but_plain_loopback(address: str) -> None:
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


@pytest.mark.parametrize("url", ["http://127.0.0.1:8100/n", "http://localhost:8100/n", "http://[::1]:8100/n"])
def test_plain_http_is_for_the_sandbox_loopback_alone(url: str) -> None:
    require_permitted_url(url, sandbox=True)
    with pytest.raises(ForbiddenDestination):
        require_permitted_url(url, sandbox=False)


def test_plain_http_to_a_public_host_is_refused_even_in_the_sandbox() -> None:
    with pytest.raises(ForbiddenDestination):
        require_permitted_url("http://police.example/", sandbox=True)
