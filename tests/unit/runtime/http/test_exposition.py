"""Who may read a process's metrics."""

from ipaddress import IPv4Network

import httpx
import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter

from services.platform.runtime.health import Health
from services.platform.runtime.http.exposition import exposition

LOOPBACK, OURS = IPv4Network("127.0.0.0/8"), IPv4Network("10.83.0.0/24")


@pytest.mark.parametrize(
    ("network", "address", "headers", "status"),
    [
        (LOOPBACK, "127.0.0.1", {}, 200),
        (LOOPBACK, "10.83.0.7", {}, 403),
        (OURS, "10.83.0.7", {}, 200),
        (OURS, "10.84.0.7", {}, 403),
        (LOOPBACK, "127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, 403),
        (LOOPBACK, "127.0.0.1", {"forwarded": "for=127.0.0.1"}, 403),
    ],
)
async def test_only_the_network_that_is_set_reads_the_metrics_and_nobody_through_a_proxy(
    network: IPv4Network, address: str, headers: dict[str, str], status: int
) -> None:
    app = exposition(REGISTRY, Health(), None, network)
    transport = httpx.ASGITransport(app, client=(address, 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        answer = await http.get("/metrics", headers=headers)
        assert (answer.status_code, b"process_obstacle" in answer.content) == (status, status == 200)
        assert (await http.get("/health/live")).status_code == 200


async def test_a_counter_is_one_series() -> None:
    registry = CollectorRegistry()
    app = exposition(registry, Health(), None, LOOPBACK)
    Counter("things", "For a test", registry=registry).inc()
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        lines = (await http.get("/metrics")).text.splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["things_total 1.0"]
