"""Urgent notices are taken within 60 s, or are counted as late: each once, in every window that it falls into."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery import metrics
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import slo
from services.platform.delivery.queue.repository import _row
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from tests.support.engines.database import Database
from tests.support.in_process.delivery import PlayedMedium, prepare, received
from tests.support.tables import attempts, deliveries

NOW = datetime.now(UTC)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = database.engine("police")
    async with engine.begin() as connection:  # of other tests
        await connection.execute(update(deliveries).values(urgent=False))
    yield engine
    await engine.dispose()


async def put(engine: AsyncEngine, *, ago: float, taken_after: float | None = None, **about: Any) -> None:
    put_at = NOW - timedelta(seconds=ago)
    row = _row("police", Delivery.of(received(), lane="force-a", now=put_at), None) | {"id": uuid4()} | about
    async with engine.begin() as connection:
        await connection.execute(insert(deliveries).values(row))
        if taken_after is not None:
            made = {
                "delivery": row["id"], "attempt": 1, "service": "police", "medium": "webhook", "result": "accepted",
                "started_at": put_at + timedelta(seconds=taken_after - 0.1), "took_ms": 100, "body_hash": b"",
            }  # fmt: skip
            await connection.execute(insert(attempts).values(made))


async def counted(engine: AsyncEngine) -> dict[str, float]:
    async with engine.connect() as connection:
        await slo.measure(connection, "police", NOW)
    return {
        f"{window} {verdict}": value
        for window in slo.WINDOWS
        for verdict in slo.VERDICTS
        if (value := REGISTRY.get_sample_value("delivery_urgent_notices", {"window": window, "verdict": verdict}))
    }


async def test_a_notice_taken_in_time_counts_in_every_window_that_reaches_back_to_it(engine: AsyncEngine) -> None:
    await put(engine, ago=1000, taken_after=59, state="acknowledged", changed_at=NOW)
    assert await counted(engine) == {f"{window} in-time": 1 for window in ("30m", "1h", "6h", "3d", "30d")}


async def test_a_notice_taken_after_a_minute_was_late(engine: AsyncEngine) -> None:
    await put(engine, ago=200, taken_after=61, state="accepted", changed_at=NOW)
    assert (await counted(engine))["5m late"] == 1


async def test_a_notice_that_nobody_has_taken_is_late_as_soon_as_its_minute_is_over(engine: AsyncEngine) -> None:
    await put(engine, ago=59)
    assert await counted(engine) == {}
    await put(engine, ago=61)
    assert (await counted(engine))["5m late"] == 1
    assert REGISTRY.get_sample_value("delivery_urgent_unaccepted") == 1


async def test_a_notice_given_up_within_its_minute_was_not_kept_and_is_told_of(engine: AsyncEngine) -> None:
    await put(engine, ago=30, state="failed", changed_at=NOW)
    assert (await counted(engine))["5m late"] == 1
    assert REGISTRY.get_sample_value("delivery_urgent_failed") == 1
    assert REGISTRY.get_sample_value("delivery_urgent_unaccepted") == 0


async def test_a_notice_whose_reader_cannot_act_or_that_nobody_has_to_know_any_more_was_not_given_up(
    engine: AsyncEngine,
) -> None:
    await put(engine, ago=200, taken_after=2, state="failed", withdrawn_at=NOW, changed_at=NOW)
    assert (await counted(engine))["5m in-time"] == 1
    assert REGISTRY.get_sample_value("delivery_urgent_failed") == 0


async def test_a_child_who_was_back_within_the_minute_broke_no_promise(engine: AsyncEngine) -> None:
    await put(engine, ago=120, state="withdrawn", changed_at=NOW - timedelta(seconds=90))
    assert await counted(engine) == {}


async def test_an_exercise_and_what_is_not_urgent_do_not_count(engine: AsyncEngine) -> None:
    await put(engine, ago=120, exercise=True)
    await put(engine, ago=120, urgent=False)
    assert await counted(engine) == {}


async def test_a_text_taken_by_its_provider_s_report_alone_counts_by_the_report(engine: AsyncEngine) -> None:
    await put(engine, ago=120, state="delivered", changed_at=NOW - timedelta(seconds=100))
    assert (await counted(engine))["5m in-time"] == 1


async def test_asked_often_the_last_hour_is_counted_and_whatever_waits_or_has_just_failed_however_old(
    engine: AsyncEngine,
) -> None:
    await counted(engine)
    days = timedelta(days=2).total_seconds()
    await put(engine, ago=200, taken_after=61, state="accepted", changed_at=NOW)
    await put(engine, ago=days)
    await put(engine, ago=days, state="failed", changed_at=NOW)
    async with engine.connect() as connection:
        await slo.measure_recent(connection, "police", NOW)
    shown = {
        window: REGISTRY.get_sample_value("delivery_urgent_notices", {"window": window, "verdict": "late"})
        for window in slo.WINDOWS
    }
    assert shown == {"5m": 1, "30m": 1, "1h": 1, "6h": 0, "3d": 0, "30d": 0}
    assert REGISTRY.get_sample_value("delivery_urgent_unaccepted") == 1
    assert REGISTRY.get_sample_value("delivery_urgent_failed") == 1


async def test_a_count_of_the_month_that_fails_hides_nothing_of_the_last_hour(
    engine: AsyncEngine, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(windows: str) -> float:
        at = REGISTRY.get_sample_value("delivery_measured_timestamp_seconds", {"windows": windows})
        assert at is not None, "an alert sees what fails from the start"
        return at

    await counted(engine)
    await put(engine, ago=30, state="failed", changed_at=NOW)
    monkeypatch.setattr(slo, "measure", AsyncMock(side_effect=TimeoutError))
    metrics.MEASURED.clear()
    loop = DeliveryLoop("police", Store(engine), Clocks(), PlayedMedium(), keyring=keyring, prepare=prepare)
    days, hours = measured("days"), measured("hours")
    with pytest.raises(TimeoutError):
        await loop._measure()
    assert REGISTRY.get_sample_value("delivery_urgent_failed") == 1
    await loop._measure()  # the month's turn comes in five minutes
    assert (measured("days") == days, measured("hours") > hours) == (True, True)
