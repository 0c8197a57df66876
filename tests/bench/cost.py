"""What deliveries cost in processor and memory, by process, and when the last of a load was sent."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import psutil
import psycopg
from rich.table import Table

from infra.local.stack import Stack

QUIET_SECONDS = 10.0
"""Without any attempt, by whichever service: all that a load asked for has been sent."""
PATIENCE_SECONDS = 900.0
ATTEMPTS = "SELECT max(started_at), count(*) FILTER (WHERE result = 'accepted') FROM delivery.attempts"


def processes(stack: Stack) -> dict[str, psutil.Process]:
    """The services, then their engines. The sandbox is not ours, but runs on the same processors."""
    pids = {name: stack.pid(name) for name in (*stack.process_names, "kafka", "postgres", "sandbox")}
    return {name: psutil.Process(pid) for name, pid in pids.items() if pid is not None}


def cpu_seconds(process: psutil.Process) -> float:
    return sum_over_family(process, lambda each: each.cpu_times().user + each.cpu_times().system)


def megabytes(process: psutil.Process) -> float:
    """What PostgreSQL's processes share counts once, where the system says what is shared (Linux)."""
    return sum_over_family(process, _bytes) / 1e6


def sum_over_family(process: psutil.Process, measure: Callable[[psutil.Process], float]) -> float:
    """The sum over it and its children: PostgreSQL's come and go meanwhile."""
    found = 0.0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            found += measure(each)
    return found


def _bytes(process: psutil.Process) -> int:
    memory = process.memory_full_info()
    own: int = getattr(memory, "pss", memory.uss)
    return own


@dataclass
class Cost:
    """Of what ran inside `measured`. `done_after` is in seconds, from its beginning to the last attempt of any delivery."""

    deliveries: int = 0
    done_after: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Megabytes, before and after."""

    def table(self) -> Table:
        table = Table("process", "CPU s per 1,000 deliveries", "memory MB", "grown by MB per 1,000 deliveries")
        thousands = self.deliveries / 1000
        for name, seconds in sorted(self.cpu.items(), key=lambda each: -each[1]):
            before, after = self.memory[name]
            table.add_row(name, f"{seconds / thousands:.1f}", f"{after:.0f}", f"{(after - before) / thousands:.0f}")
        whole = sum(after for _, after in self.memory.values())
        table.add_row(f"all, {self.deliveries} deliveries", f"{sum(self.cpu.values()) / thousands:.1f}", f"{whole:.0f}")
        return table


@asynccontextmanager
async def measured(stack: Stack) -> AsyncIterator[Cost]:
    """What is inside begins a load; this ends when the last of it has been sent, however long that takes."""
    of, cost, begun = processes(stack), Cost(), time.time()
    cpu = {name: cpu_seconds(process) for name, process in of.items()}
    memory = {name: megabytes(process) for name, process in of.items()}
    async with await psycopg.AsyncConnection.connect(stack.admin_url, autocommit=True) as connection:
        _, before = await _attempts(connection)
        yield cost
        last, after = await when_quiet(connection)
    cost.deliveries = after - before
    cost.done_after = 0.0 if last is None else last.timestamp() - begun
    cost.cpu = {name: cpu_seconds(process) - cpu[name] for name, process in of.items()}
    cost.memory = {name: (memory[name], megabytes(process)) for name, process in of.items()}


async def when_quiet(
    connection: psycopg.AsyncConnection, seconds: float = QUIET_SECONDS
) -> tuple[datetime | None, int]:
    """When the last delivery was attempted, and how many have been accepted, once there was no attempt for `seconds`."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        last, accepted = await _attempts(connection)
        if not seconds or (last is not None and time.time() - last.timestamp() > seconds):
            return last, accepted
        await asyncio.sleep(5)  # each look is a commit, which the counts would show
    raise TimeoutError("deliveries did not come to an end")


async def _attempts(connection: psycopg.AsyncConnection) -> tuple[datetime | None, int]:
    row = await (await connection.execute(ATTEMPTS)).fetchone()
    assert row is not None
    return row
