"""How all stands in the services' own records after a flow: no duty forgotten, none that two records see differently, nothing stuck."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
from sqlalchemy.ext.asyncio import create_async_engine

from infra.local.settings.layout import ROOT
from infra.local.stack import Stack
from infra.postgres.archive.contents import Contents, read_contents
from infra.postgres.archive.plan import read_plan
from services.audit import reconciler
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.places import open_place
from services.platform.store import story_clock
from services.protocol.policy.case import Case, DutyOfCase
from services.safeguarding.duty.decisions import DutyState

STEP_GRACE = timedelta(minutes=1)
"""In story time: what the clock and the protocol need for a step that has become due."""
AS_LATER = timedelta(minutes=10)
"""The reconciler is asked as if so much time had passed: whatever it would still have waited for is a gap now."""
EVER = datetime(2000, 1, 1, tzinfo=UTC)
LOOKS_EVERY_SECONDS = 3.0
SPEAKING = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")
SAFE = "backup_safe_timestamp_seconds "


@dataclass
class Standing:
    """`faults` is empty where every duty was answered, has been called off, has its next step ahead, or stays on the page
    as unanswered, told to its last human; and where protocol, console and audit agree.
    """

    duties: Counter[str] = field(default_factory=Counter)
    """By how each stands."""
    faults: list[str] = field(default_factory=list)


class Cases:
    """The protocol's duties. A case is read again only if its version is another."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[int, list[DutyOfCase]]] = {}

    def duties(self, connection: psycopg.Connection[Any]) -> Iterator[DutyOfCase]:
        versions = dict[str, int](connection.execute("SELECT child, version FROM protocol.cases").fetchall())
        changed = [child for child, version in versions.items() if self._read.get(child, (None,))[0] != version]
        states = "SELECT child, version, state FROM protocol.cases WHERE child = ANY(%s)"
        for child, version, state in connection.execute(states, (changed,)):
            self._read[child] = version, list(Case.model_validate_json(state).duties.values())
        for child in versions:
            yield from self._read[child][1]


def standing(stack: Stack, cases: Cases, since: datetime) -> Standing:
    """All duties as they are now, and the record's gaps among what was recorded after `since`."""
    found = Standing()
    with psycopg.connect(stack.admin_url) as connection:
        now = _story_now(connection)
        duties, shown = list(cases.duties(connection)), dict(_shown(connection))
        found.faults += _left_behind(connection)
    for duty in duties:
        how, fault = _how(duty, now)
        found.duties[how] += 1
        if fault:
            found.faults.append(f"duty {duty.duty} ({duty.rule}): {fault}")
        if shown.get(duty.duty) != (duty.revision, duty.state):
            found.faults.append(f"duty {duty.duty} ({duty.rule}): the console has {shown.get(duty.duty)}")
    found.faults += asyncio.run(_gaps(stack, since))
    return found


def settled_standing(
    stack: Stack, within_seconds: float, cases: Cases | None = None, since: datetime = EVER
) -> Standing:
    """Once no fault lasts from one look to the next, or when the time is over. Where thousands of duties go on, some step is
    on its way at each look.
    """
    until, read = time.monotonic() + within_seconds, cases or Cases()
    found = standing(stack, read, since)
    while found.faults and time.monotonic() < until:
        time.sleep(LOOKS_EVERY_SECONDS)
        before, found = found.faults, standing(stack, read, since)
        found.faults = [each for each in found.faults if each in before]
    return found


def record_holds(stack: Stack, checkpoint: Path | None = None) -> bool:
    """The audit's chain, verified from its first entry to its last; from where the last look at this checkpoint ended, if there is one."""
    command = [sys.executable, "-m", "services", "audit", "verify"]
    command += [] if checkpoint is None else ["--checkpoint", str(checkpoint)]
    verified = subprocess.run(command, cwd=ROOT, env=stack.environment("audit"), capture_output=True, check=False)
    return verified.returncode == 0


def lies_elsewhere(stack: Stack, moment: datetime) -> bool:
    """Whether the copy that the stack keeps of its database has all that was committed before."""
    try:
        page = httpx.get(f"http://127.0.0.1:{stack.ports['backups']}/metrics", trust_env=False, timeout=30).text
    except httpx.HTTPError:
        return False
    return any(float(line.split()[1]) > moment.timestamp() for line in page.splitlines() if line.startswith(SAFE))


def has_base_elsewhere(stack: Stack) -> bool:
    return bool(_contents_elsewhere(stack).bases)


def gap_elsewhere(stack: Stack) -> int | None:
    """Where WAL is missing since the oldest base backup, so that no moment after it could be restored; or None."""
    contents = _contents_elsewhere(stack)
    return contents.wal_after(contents.bases[0])[1]


def _contents_elsewhere(stack: Stack) -> Contents:
    return read_contents(open_place(read_plan(stack.layout.archive / "plan.yaml").place).names())


def _how(duty: DutyOfCase, now: datetime) -> tuple[str, str | None]:
    if not duty.goes_on:
        return str(duty.state if duty.ended_because is None else DutyState.CANCELLED), None
    if duty.next_at is not None:
        late = now - duty.next_at > STEP_GRACE
        return "next step ahead", f"its step was due at {duty.next_at:%H:%M:%S}" if late else None
    if duty.state is DutyState.OVERDUE:
        return "unanswered, told to its last human", None
    return str(duty.state), "it goes on, and nothing comes next"


def _shown(connection: psycopg.Connection[Any]) -> Iterator[tuple[UUID, tuple[int, str]]]:
    for duty, revision, state in connection.execute("SELECT duty, revision, state FROM console.duties"):
        yield duty, (revision, state)


def _left_behind(connection: psycopg.Connection[Any]) -> Iterator[str]:
    for service in SPEAKING:
        for row in connection.execute(f"SELECT position, topic FROM {service}.outbox ORDER BY position LIMIT 1"):
            yield f"{service} has not published {row}"
    due = """
        SELECT DISTINCT ON (service, state) service, state, id FROM delivery.deliveries
        WHERE state IN ('waiting', 'sending', 'unknown') AND next_attempt_at < now()
        ORDER BY service, state, next_attempt_at, id
    """
    for row in connection.execute(due):
        yield f"a delivery is due and not made: {row}"


def _story_now(connection: psycopg.Connection[Any]) -> datetime:
    row = connection.execute("SELECT now() + ahead_by FROM story.clock").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


async def _gaps(stack: Stack, since: datetime) -> list[str]:
    engine = create_async_engine(stack.admin_url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        async with engine.connect() as connection:
            clocks = Clocks(await story_clock.ahead_by(connection))
            gaps = await reconciler.find_gaps(
                connection, wall=clocks.wall() + AS_LATER, story=clocks.story(), since=since
            )
    finally:
        await engine.dispose()
    return [f"gap of the record, {each.gap}: {each.what}" for each in reconciler.in_order(gaps)]
