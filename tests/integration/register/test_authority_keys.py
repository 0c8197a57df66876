"""Each authority has a key of its own: who loses it loses everything that is kept for it, and nobody else anything."""

import asyncio
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import text

from services.casework.key_rotation import RENEWS
from services.options.register_upkeep.organisations import destroy_key
from services.platform.register import directory, keys
from services.platform.register.keys import renew_all
from services.platform.runtime.clocks import Clocks
from services.platform.store import query
from services.platform.store.disposal import ALONE
from services.platform.store.encryption import OF_NO_AUTHORITY, FileWrapper, KeyFile, KeyMissing, Keyring
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.identifiers import new_id
from services.safeguarding.operators import AccountId
from tests.integration.register.test_key_rotation import BOTH, NEW, OLD, old_keys_again  # noqa: F401 - a fixture
from tests.support.engines.database import Database
from tests.support.histories.reading import speaker
from tests.support.in_process.carers import Kestrel, import_kestrel


async def _mobile(database: Database, keyring: Keyring, kestrel: Kestrel) -> str | None:
    store = Store(database.engine("carers"))
    try:
        async with store.read() as reader:
            found = await reader.fetch(directory.contact_by_person(keyring, kestrel.ids["ash"]))
    finally:
        await store.close()
    return None if found is None else found.mobile


async def _destroy(database: Database, authority: str, *by: str) -> list[str]:
    """Each person gives the command. What hinders the last one; nobody named: two others."""
    store, clocks, said = Store(database.engine("casework"), origin=Origin("casework", Clocks())), Clocks(), None
    for account in by or (new_id("account"), new_id("account")):
        async with store.transaction() as uow:
            said = await destroy_key(uow, authority, AccountId(account), clocks.wall())
    await store.close()
    return ["asked"] if said is None else [each.what for each in said]


async def test_who_loses_the_key_loses_what_is_kept_at_once_and_nobody_else_anything(
    database: Database, keyring: Keyring
) -> None:
    ours, theirs = [await import_kestrel(database, keyring) for _ in range(2)]
    assert await _mobile(database, keyring, ours) == ours.phone("ash"), "its key is in this process's memory"
    authority, first = ours.document["authority"]["id"], new_id("account")
    assert await _destroy(database, authority, first) == ["asked"]
    assert await _destroy(database, authority, first) == ["second"], "one person alone destroys nothing"
    assert await _mobile(database, keyring, ours) == ours.phone("ash")
    assert await _destroy(database, authority, new_id("account")) == []
    assert await _mobile(database, keyring, ours) is None
    assert await _mobile(database, keyring, theirs) == theirs.phone("ash")
    assert await _destroy(database, authority) == ["gone"]
    assert await _destroy(database, OF_NO_AUTHORITY) == ["gone"]


async def test_who_destroys_a_key_waits_for_who_makes_a_hold(
    database: Database, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And for all that is deleted, longer than for other answers."""
    authority = (await import_kestrel(database, keyring)).document["authority"]["id"]
    assert await _destroy(database, authority, new_id("account")) == ["asked"]
    holding = Store(database.engine("console"))
    async with holding.transaction() as uow:
        await uow.fetch(ALONE)
        monkeypatch.setattr(query, "ANSWERED_WITHIN_SECONDS", 1.0)
        destroying = asyncio.create_task(_destroy(database, authority, new_id("account")))
        await asyncio.sleep(1.5)
        assert not destroying.done()
    assert await destroying == []
    await holding.close()


async def test_what_is_kept_after_that_is_under_a_new_key(database: Database, keyring: Keyring) -> None:
    ours = await import_kestrel(database, keyring)
    authority, engine = ours.document["authority"]["id"], database.engine("casework")
    await _destroy(database, authority)
    async with engine.begin() as connection:
        owner = new_id("child")
        sealed = (await keys.data_keys(connection, keyring, [owner], authority=authority))[owner].close("hello", "a.b")
    async with engine.connect() as connection:
        assert (await keys.data_key(connection, Keyring(**OLD), owner)).open(sealed, "a.b") == "hello"
    await engine.dispose()


async def test_an_import_seals_by_its_authoritys_key_and_a_renewal_moves_what_lies_under_another(
    database: Database, keyring: Keyring
) -> None:
    ours = await import_kestrel(database, keyring)
    authority, engine, child = ours.document["authority"]["id"], database.engine("casework"), ours.ids["C1"]

    async def under() -> str:
        async with engine.connect() as connection:
            sql = text("SELECT authority FROM register.sealed_keys WHERE owner = :owner")
            return str((await connection.execute(sql, {"owner": child})).scalar_one())

    assert await under() == authority
    async with engine.begin() as connection:
        await keys.move_data_key(connection, keyring, child, OF_NO_AUTHORITY)
    assert await under() == OF_NO_AUTHORITY
    assert await renew_all(engine, keyring, RENEWS, print)
    engine = database.engine("casework")
    assert await under() == authority
    await engine.dispose()


class WithoutOne(FileWrapper):
    """A hardware module from which the key of one authority is gone."""

    missing = ""

    def unwrap(self, authority: str, wrapped: bytes) -> bytes:
        if authority == self.missing:
            raise KeyMissing
        return super().unwrap(authority, wrapped)


async def test_one_authoritys_missing_key_keeps_no_others_rows_from_being_renewed(
    database: Database, keyring: Keyring
) -> None:
    ours, theirs = [await import_kestrel(database, keyring) for _ in range(2)]
    module, said = WithoutOne(*KeyFile(OLD["master_key"]).newest_first()), list[str]()
    module.missing = ours.document["authority"]["id"]
    held = Keyring(None, BOTH["phone_key"], module)
    assert not await renew_all(database.engine("casework"), held, RENEWS, said.append)
    assert {each.partition(":")[0] for each in said if "opened by none" in each} >= {
        "authorities' keys",
        "people's numbers",
    }
    newest, engine = Keyring(None, NEW["phone_key"], module), database.engine("carers")
    async with engine.connect() as connection:
        found = [await speaker(connection, newest, each.phone("ash"), Clocks().story()) for each in (ours, theirs)]
    assert [each.person for each in found] == [None, theirs.ids["ash"]]
    await engine.dispose()


@pytest.mark.usefixtures("old_keys_again")
async def test_a_master_key_is_changed_in_running_processes(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "master_key"
    file.write_text(OLD["master_key"])
    running = Keyring(KeyFile(OLD["master_key"], file), OLD["phone_key"])
    ours = await import_kestrel(database, running)
    for held in (f"{OLD['master_key']}\n{NEW['master_key']}", f"{NEW['master_key']}\n{OLD['master_key']}"):
        file.write_text(held)
        assert await _mobile(database, running, ours) == ours.phone("ash")
    assert await renew_all(database.engine("casework"), running, RENEWS, print)
    file.write_text(NEW["master_key"])
    new = Keyring(KeyFile(NEW["master_key"], file), OLD["phone_key"])
    for keyring in (running, new):
        assert await _mobile(database, keyring, ours) == ours.phone("ash")
    with pytest.raises(InvalidTag):
        await _mobile(database, Keyring(**OLD), ours)
