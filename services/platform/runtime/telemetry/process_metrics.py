"""Measures the process itself and its event loop."""

import asyncio
import time

from prometheus_client import Gauge, Info

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
