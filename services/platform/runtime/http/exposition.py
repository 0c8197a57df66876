"""Serves `/metrics` and `/health/live`, `/health/ready` and `/health/accepting` beside the service's own pages.

Measures the process itself and its event loop.
"""

import asyncio
import time
from http import HTTPStatus
from ipaddress import IPv4Network, ip_address

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    Info,
    disable_created_metrics,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from services.platform.runtime.health import Health
from services.platform.runtime.periodic import Repeating

LOOP_LATE = Gauge("event_loop_late_seconds", "How much later than asked the event loop last came back from a sleep")
OBSTACLE = Gauge("process_obstacle", "1 while what is named stands in the process's way, as readiness says", ["name"])
BUILD = Info("process_build", "What runs, by the version that whoever built it gave it")
NAP_SECONDS = 0.1


def loop_watch() -> Repeating:
    async def turn() -> None:
        started = time.perf_counter()
        await asyncio.sleep(NAP_SECONDS)
        LOOP_LATE.set(max(0.0, time.perf_counter() - started - NAP_SECONDS))

    return Repeating("event loop watch", turn, every_seconds=1)


def exposition(
    registry: CollectorRegistry, health: Health, pages: ASGIApp | None, metrics_network: IPv4Network
) -> Starlette:
    """`/health/live` answers 200 while the loop turns; `/health/ready` answers 503 with the obstacles by name;
    `/health/accepting` 503 only before the process stops. Proxies ask this one: texts are taken while Kafka is away.

    `/metrics` answers `metrics_network` alone, and nobody through a proxy.
    """
    # A second series for each counter, which nobody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]

    async def metrics(request: Request) -> Response:
        if not _is_within(request, metrics_network):
            return Response(status_code=HTTPStatus.FORBIDDEN)
        obstacles = health.obstacles()
        for name in health.watched:
            OBSTACLE.labels(name).set(name in obstacles)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def live(_request: Request) -> Response:
        return JSONResponse({"live": True})

    async def accepting(_request: Request) -> Response:
        return JSONResponse({"accepting": health.accepting}, status_code=200 if health.accepting else 503)

    async def ready(_request: Request) -> Response:
        obstacles = health.obstacles() | ({} if health.accepting else {"stopping": "told to stop"})
        return JSONResponse({"ready": not obstacles, "obstacles": obstacles}, status_code=503 if obstacles else 200)

    answers = {"/metrics": metrics, "/health/live": live, "/health/accepting": accepting, "/health/ready": ready}
    routes: list[BaseRoute] = [Route(path, answer) for path, answer in answers.items()]
    app = Starlette(routes=routes)
    if pages is not None:
        # A Mount does not match a path with a line break, and answers it with a text of its own.
        app.router.default = pages
    return app


def _is_within(request: Request, network: IPv4Network) -> bool:
    forwarded = any(each in request.headers for each in ("x-forwarded-for", "forwarded"))
    return request.client is not None and not forwarded and ip_address(request.client.host) in network
