"""What lies in an outbox is its service's word already: nobody signs it later, whoever has put it there."""

import psycopg
import pytest

from services.platform.runtime.clocks import Clocks
from services.platform.store.story_clock import opened
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.identifiers import new_id
from services.safeguarding.operators import Access, AccessRecorded
from tests.support.engines.database import Database
from tests.support.signatures import BUS_KEYS, KEYS, SIGNERS, SPEAKERS


def lies_in_outbox(database: Database, key: str) -> list[bytes]:
    with psycopg.connect(database.admin_url) as connection:
        rows = connection.execute("SELECT envelope FROM console.outbox WHERE key = %s", (key,))
        return [bytes(envelope) for (envelope,) in rows]


async def say(store: Store, account: str) -> None:
    async with store.transaction() as uow:
        uow.publish(AccessRecorded(what=Access.SIGNED_IN), subject=account)


async def test_a_message_is_signed_in_its_transaction(database: Database) -> None:
    store, account = (
        Store(database.engine("console"), origin=Origin("console", Clocks(), SIGNERS["console"])),
        new_id("account"),
    )
    await say(store, account)
    [envelope] = lies_in_outbox(database, account)
    assert SPEAKERS.speaker_of(envelope, AccessRecorded.kind) == "console"
    await store.close()


async def test_a_command_signs_as_its_service_and_says_nothing_without_its_key(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, unsaid = new_id("account"), new_id("account")
    async with opened(database.settings("console"), "console") as store:
        with pytest.raises(ValueError, match="signing_key"):
            await say(store, unsaid)
        monkeypatch.setenv("SAFE_RETURN_SIGNING_KEY", KEYS["console"])
        monkeypatch.setenv("SAFE_RETURN_BUS_KEYS", BUS_KEYS)
        await say(store, account)
    [envelope] = lies_in_outbox(database, account)
    assert SPEAKERS.speaker_of(envelope, AccessRecorded.kind) == "console"
    assert lies_in_outbox(database, unsaid) == []
