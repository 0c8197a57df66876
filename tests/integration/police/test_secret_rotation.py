"""A force changes its secrets while notices and replies flow: none is refused on either side, and in the end the old ones are worth nothing."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from services.platform.register import keys
from services.platform.store.encryption import Keyring
from services.police.notices.sender import put_test
from tests.support.engines.database import Database
from tests.support.in_process.delivery import eventually
from tests.support.in_process.police import Police, answer, police_of
from tests.support.in_process.register import OTHER_SECRET, SECRET, approve, parts, propose

NEW_SECRET = "whsec_" + b64encode(b"n" * 32).decode()
NEW_REPLY_SECRET = "whsec_" + b64encode(b"r" * 32).decode()


@pytest.fixture
async def police(database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Police]:
    monkeypatch.setattr(keys, "FRESH_SECONDS", 0.2)
    async with police_of(database, keyring) as running:
        yield running


class Flow:
    """Notices one after the other, each acknowledged with the secret that the force holds at the time."""

    def __init__(self, police: Police) -> None:
        self.police, self.reply_secret, self.acknowledged = police, OTHER_SECRET, 0
        self.refused: list[int] = []
        self._stopping = False

    async def run(self) -> None:
        while not self._stopping:
            told, _ = await self.police.notice()
            reply = await self.police.reply(answer(told), secret=self.reply_secret)
            self.refused += [] if reply.status_code == 202 else [reply.status_code]
            self.acknowledged += 1

    def stop(self) -> None:
        self._stopping = True

    async def more(self, count: int = 8) -> None:
        reached = self.acknowledged + count
        await eventually(lambda: self.acknowledged >= reached or bool(self.refused), within=90)


async def change(police: Police, **secrets: Any) -> None:
    """By the only way: proposed, tried, approved by somebody else."""
    engine, keyring, row = police.casework, police.keyring, parts(police.document)[0]["forces"][0] | secrets
    version = await propose(engine, keyring, row)
    await asyncio.sleep(0.3)  # how long a process may go on with what it read
    async with police.floor.store.transaction() as uow:
        test = await put_test(uow, keyring, police.force, datetime.now(UTC), version)
    await police.floor.until(test.id, "accepted")
    await approve(engine, version)
    await asyncio.sleep(0.3)


async def end_overlap(police: Police) -> None:
    """As after a day: the keys before the change no longer count."""
    async with police.casework.begin() as connection:
        first = "SELECT id FROM register.force_versions WHERE force = :f ORDER BY effective_at LIMIT 1"
        taken = (
            f"UPDATE register.force_versions SET taken_back_by = 'nobody', taken_back_at = now() WHERE id = ({first})"
        )
        await connection.execute(text(taken), {"f": police.force})
    await asyncio.sleep(0.3)


async def test_secrets_change_under_load_with_no_rejection(police: Police) -> None:
    flow = Flow(police)
    flowing = [asyncio.create_task(flow.run()) for _ in range(3)]
    steps: list[Callable[[], Any]] = [
        lambda: setattr(police.desk, "secrets", (SECRET, NEW_SECRET)),
        lambda: change(police, secrets=[NEW_SECRET], reply_secrets=[NEW_REPLY_SECRET]),
        lambda: setattr(police.desk, "secrets", (NEW_SECRET,)),
        lambda: setattr(flow, "reply_secret", NEW_REPLY_SECRET),
        lambda: end_overlap(police),
    ]
    for step in steps:
        await flow.more()
        done = step()
        if done is not None:
            await done
    await flow.more()
    flow.stop()
    await asyncio.gather(*flowing)
    assert flow.refused == []
    assert len(police.desk.received) >= 40
    assert [each.id for each in police.desk.received if not each.verified] == []


async def test_after_a_change_the_old_reply_secret_is_refused(police: Police) -> None:
    told, _ = await police.notice()
    await change(police, reply_secrets=[NEW_REPLY_SECRET])
    assert (await police.reply(answer(told), secret=OTHER_SECRET)).status_code == 202, "both count for a day"
    await end_overlap(police)
    assert (await police.reply(answer(told), secret=OTHER_SECRET)).status_code == 401
    assert (await police.reply(answer(told), secret=NEW_REPLY_SECRET)).status_code == 202
