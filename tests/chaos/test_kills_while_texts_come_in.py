"""Texts while Kafka is away and everything that takes them is killed at random: carers' two processes and PostgreSQL itself.

None that a process has taken is lost, none is refused for good, and each is read once. `TEXTS` says how many: `make chaos` takes 10,000.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from services.carers.store.texts import owner_of
from services.platform.messages.envelope import read
from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import derived, provisional_child
from tests.support.crashes.texting import MASTER_KEY, PHONE_KEY, CarersProcess, Phones
from tests.support.engines.database import MortalDatabase, mortal_database
from tests.support.in_process.register import authority, load

TEXTS = int(os.environ.get("TEXTS", "400"))
OF_ONE_PHONE = 10
"""Each is brought to a person then: fewer than an hour's flood."""
PHONES_AT_ONCE = 24
LASTS_SECONDS = max(25, TEXTS / 35)
PAUSE_SECONDS = LASTS_SECONDS * PHONES_AT_ONCE / TEXTS
"""Between two texts of one of them: it is the kills that need time."""
REPLAYED_WITHIN_SECONDS = 30
UNTIL_SECONDS = 600 + TEXTS / 2


@dataclass
class Night:
    """What was texted, and what became of it at the door."""

    taken: dict[str, str] = field(default_factory=dict)
    """Number by the text's id."""
    refused: list[str] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)


async def texting(phones: Phones, numbers: Iterator[tuple[str, int]], night: Night, chance: random.Random) -> None:
    for number, each in numbers:
        sid, taken = await phones.text(number, f"please read this, it is number {each}")
        if taken:
            night.taken[sid] = number
        else:
            night.refused.append(sid)
        await asyncio.sleep(chance.uniform(0, 2 * PAUSE_SECONDS))


async def trouble(night: Night, carers: list[CarersProcess], postgres: MortalDatabase, over: asyncio.Event) -> None:
    """One after another until all have texted: a process, or the database, dies without a word or is told to end, and comes back."""
    chance = random.Random(20261124)
    while not over.is_set():
        await asyncio.sleep(chance.uniform(0.1, 1.5))
        number = chance.choice([signal.SIGKILL, signal.SIGTERM])
        if chance.random() < 1 / 3:
            night.troubles[f"postgres {number.name}"] += 1
            await asyncio.to_thread(postgres.end, signal.SIGKILL if number is signal.SIGKILL else signal.SIGINT)
            await asyncio.sleep(chance.uniform(0.2, 3.0))
            await asyncio.to_thread(postgres.start)
            continue
        one = chance.choice(carers)
        night.troubles[f"carers {number.name}"] += 1
        await asyncio.to_thread(one.end, number)
        one.start()
        await asyncio.to_thread(one.wait_until_it_runs)


@asynccontextmanager
async def two_processes(postgres: MortalDatabase, folder: Path) -> AsyncIterator[list[CarersProcess]]:
    first = CarersProcess(postgres.database, folder, slot=0)
    both = [first, CarersProcess(postgres.database, folder, slot=1, port=first.port)]
    try:
        for each in both:
            each.start()
        for each in both:
            await asyncio.to_thread(each.wait_until_it_runs)
        yield both
    finally:
        for each in both:
            each.end(signal.SIGTERM)


async def unread(postgres: MortalDatabase) -> int:
    engine = postgres.database.engine("carers")
    async with engine.connect() as connection:
        found = int(await connection.scalar(text("SELECT count(*) FROM texts_in WHERE worked_at IS NULL")) or 0)
    await engine.dispose()
    return found


async def kept(postgres: MortalDatabase) -> set[str]:
    engine = postgres.database.engine("carers")
    async with engine.connect() as connection:
        found = set((await connection.execute(text("SELECT message_sid FROM texts_in"))).scalars())
    await engine.dispose()
    return found


async def brought_to_a_person(postgres: MortalDatabase) -> Counter[str]:
    """How often each text was, by the id under which it is said."""
    engine = postgres.database.engine("carers")
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT envelope FROM outbox WHERE envelope LIKE '%needs-human%'::bytea"))
        found = Counter(read(bytes(row.envelope)).id for row in rows)
    await engine.dispose()
    return found


@pytest.mark.crash
@pytest.mark.timeout(UNTIL_SECONDS + 300)
async def test_no_text_is_lost_through_kills_of_carers_and_of_the_database_while_kafka_is_away(tmp_path: Path) -> None:
    keyring, night = Keyring(MASTER_KEY, PHONE_KEY), Night()
    with mortal_database(tmp_path / "postgres") as postgres:
        casework = postgres.database.engine("casework")
        await load(casework, keyring, authority("kestrel"), datetime.now(UTC))
        await casework.dispose()
        started = time.monotonic()
        async with two_processes(postgres, tmp_path) as carers, aiohttp.ClientSession() as session:
            phones = Phones.on(session, carers[0].url)
            numbers = iter([(f"+4477008{each // OF_ONE_PHONE:05d}", each) for each in range(TEXTS)])
            over, chance = asyncio.Event(), random.Random(7)
            troubling = asyncio.create_task(trouble(night, carers, postgres, over))
            begun = time.monotonic()
            await asyncio.gather(*(texting(phones, numbers, night, chance) for _ in range(PHONES_AT_ONCE)))
            took = time.monotonic() - begun
            over.set()
            await troubling
            mended = time.monotonic()
            while any(each.spooled for each in carers):
                assert time.monotonic() - mended < REPLAYED_WITHIN_SECONDS
                await asyncio.sleep(0.05)
            assert set(night.taken) <= await kept(postgres)
            while await unread(postgres):
                assert time.monotonic() - started < UNTIL_SECONDS
                await asyncio.sleep(0.5)
        said = await brought_to_a_person(postgres)
    print(
        f"{TEXTS} texts in {took:.0f} s through {dict(night.troubles)}: "
        f"{len(night.refused)} refused at every try, 0 of {len(night.taken)} lost"
    )
    assert night.refused == []
    assert said == Counter({expected(sid, keyring.number_hash(number)): 1 for sid, number in night.taken.items()})
    assert {name.partition(" ")[0] for name in night.troubles} == {"carers", "postgres"}
    assert night.troubles.total() >= 3  # a slow machine has time for no more


def expected(sid: str, number_hash: bytes) -> str:
    return str(derived("text", sid, "text.needs-human.v1", provisional_child(owner_of(number_hash))))
