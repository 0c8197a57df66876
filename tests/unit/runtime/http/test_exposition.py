"""Who may read a process's metrics, and what it says of itself."""

import asyncio
from ipaddress import IPv4Network

import httpx
import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.platform.runtime.process import Drain, Health
from services.platform.runtime.server import exposition

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


async def test_a_process_that_stops_says_so_first_and_goes_on_taking_what_comes() -> None:
    health = Health()
    kafka = ["away"]
    health.watch("Kafka", lambda: kafka[0] if kafka else None)

    async def page(_scope: Scope, _receive: Receive, send: Send) -> None:
        await Response("taken")(_scope, _receive, send)

    transport = httpx.ASGITransport(exposition(REGISTRY, health, page, LOOPBACK))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:

        async def statuses() -> list[int]:
            return [
                (await http.get(path)).status_code for path in ("/health/accepting", "/health/ready", "/texts/inbound")
            ]

        assert await statuses() == [200, 503, 200]
        kafka.clear()
        assert await statuses() == [200, 200, 200]
        stopping = asyncio.create_task(Drain(health, 3600).stop())
        await asyncio.sleep(0)
        assert await statuses() == [503, 503, 200]
        assert not stopping.done()
        stopping.cancel()
