"""Master key and phone key are changed while everything runs: nothing is found less often, and nothing stays behind."""

import asyncio
import importlib
import os
import signal
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import text

from infra.docker import rotate
from infra.docker.prepare import prepare
from services.carers.store import texts
from services.carers.store.conversations import telling_by_code
from services.command_line import KEEPS_CLOSED
from services.platform.delivery.inbound_mail.classifier import spelt
from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import directory, words
from services.platform.register.keys import AT_ONCE, authority_keys, move_data_key, renew_all
from services.platform.register.words import hashes_by_key
from services.platform.store.encryption import OF_NO_AUTHORITY, Keyring
from services.platform.store.engine import connect
from services.platform.store.query import Query, Reader, all_rows
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.duties import ProfessionalNotify
from services.safeguarding.identifiers import new_id
from services.strategy.discussions.repository import attendees_with_address, discussion_of_child, inviters
from tests.support.engines.database import Database
from tests.support.histories.reading import speaker
from tests.support.in_process.carers import Carers, Kestrel, carers, import_kestrel
from tests.support.in_process.delivery import received
from tests.support.in_process.register import authority, erase, fresh_number, load
from tests.support.in_process.strategy import POLICE, SOCIAL, running_strategy

OLD = {"master_key": b64encode(b"m" * 32).decode(), "phone_key": b64encode(b"p" * 32).decode()}
NEW = {"master_key": b64encode(b"M" * 32).decode(), "phone_key": b64encode(b"P" * 32).decode()}
BOTH = {name: f"{NEW[name]}\n{OLD[name]}" for name in OLD}
PEOPLE = 2 * AT_ONCE
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def old_keys_again(database: Database) -> AsyncIterator[None]:
    """The database, and the key of no authority in it, are other tests' too."""
    yield
    back = {name: f"{OLD[name]}\n{NEW[name]}" for name in OLD}
    await renew_all(database.engine("casework"), Keyring(**back), {"authorities' keys": authority_keys}, print)


@pytest.fixture
async def kestrel(database: Database) -> Kestrel:
    return await import_kestrel(database, Keyring(**OLD))


def _environment(database: Database, service: str, keys: dict[str, str], folder: Path) -> dict[str, str]:
    settings = database.settings(service)
    folder.mkdir(exist_ok=True)
    for name, value in keys.items():
        (folder / name).write_text(value)
    (folder / "database_password").write_text(settings.database_password.get_secret_value())
    ours = {"DATABASE": settings.database, "HTTP_PORT": "1", "SECRETS_DIR": str(folder)}
    return os.environ | {f"SAFE_RETURN_{name}": value for name, value in ours.items()}


async def _renewing(database: Database, service: str, keys: dict[str, str], folder: Path) -> asyncio.subprocess.Process:
    """The command as an operator gives it, in a process of its own."""
    order = (sys.executable, "-m", "services", "renew-keys", service)
    pipe, environment = asyncio.subprocess.PIPE, _environment(database, service, keys, folder)
    return await asyncio.create_subprocess_exec(*order, env=environment, stdout=pipe, stderr=pipe)


async def _renewed(database: Database, service: str, folder: Path, keys: dict[str, str] = BOTH) -> tuple[int, str]:
    process = await _renewing(database, service, keys, folder)
    said, complained = await process.communicate()
    return process.returncode or 0, (said + complained).decode()


async def _under(database: Database, keyring: Keyring) -> int:
    """How many data keys this keyring's one master key opens."""
    engine = database.engine("casework")
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT owner, wrapped FROM register.data_keys"))).all()
    await engine.dispose()
    opened = 0
    for owner, wrapped in rows:
        try:
            keyring.unwrap(owner, wrapped)
        except InvalidTag:
            continue
        opened += 1
    return opened


async def _an_authority_of_many(database: Database) -> list[str]:
    """Their numbers."""
    document = authority()
    first = document["people"][0]
    document["people"] += [first | {"reference": f"p{number}", "mobile": fresh_number()} for number in range(PEOPLE)]
    engine = database.engine("casework")
    await load(engine, Keyring(**OLD), document, NOW)
    await engine.dispose()
    return [str(row["mobile"]) for row in document["people"]]


async def _under_no_authoritys(database: Database) -> None:
    """Every data key of ours, as before its authority had a key of its own."""
    engine, old = database.engine("casework"), Keyring(**OLD)
    async with engine.begin() as connection:
        for owner in (await connection.execute(text("SELECT owner FROM register.data_keys"))).scalars().all():
            await move_data_key(connection, old, owner, OF_NO_AUTHORITY)
    await engine.dispose()


async def _to_move(database: Database) -> int:
    engine = database.engine("casework")
    async with engine.connect() as connection:
        sql = "SELECT count(*) FROM register.people JOIN register.sealed_keys ON owner = id WHERE people.authority <> sealed_keys.authority"
        found = (await connection.execute(text(sql))).scalar_one()
    await engine.dispose()
    return int(found)


async def _has_begun(database: Database) -> bool:
    engine = database.engine("casework")
    async with engine.connect() as connection:
        sql = "SELECT wrapped FROM register.authority_keys WHERE authority = '*'"
        wrapped = (await connection.execute(text(sql))).scalar_one()
    await engine.dispose()
    return Keyring(**BOTH).authority_key_anew(wrapped) is None


async def test_every_look_up_succeeds_while_keys_are_renewed_killed_and_renewed_again(
    database: Database, tmp_path: Path
) -> None:
    numbers = await _an_authority_of_many(database)
    await _under_no_authoritys(database)
    engine = connect(database.settings("carers"), "carers")
    looked, failed, done = 0, [], asyncio.Event()

    async def look_ups() -> None:
        nonlocal looked
        while not done.is_set():
            number = numbers[looked * 7 % len(numbers)]
            async with engine.connect() as connection:
                found = await speaker(connection, Keyring(**BOTH), number, NOW)
                reached = await Reader(connection).fetch(
                    directory.contact_by_person(Keyring(**BOTH), found.person or "")
                )
            looked += 1
            if reached is None or reached.mobile != number:
                failed.append(number)

    looking = asyncio.create_task(look_ups())
    process = await _renewing(database, "casework", BOTH, tmp_path / "secrets")
    async with asyncio.timeout(180):
        while not await _has_begun(database):
            pass
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert await _to_move(database) > 0, "it was killed too late to show anything"
    status, said = await _renewed(database, "casework", tmp_path / "secrets")
    done.set()
    await looking
    assert (status, failed) == (0, [])
    assert looked > len(numbers) / 4
    assert "nothing of casework's needs an older key any more" in said
    async with engine.connect() as connection:
        for number in numbers[::10]:
            assert (await speaker(connection, Keyring(**NEW), number, NOW)).person is not None
            assert (await speaker(connection, Keyring(**OLD), number, NOW)).person is None
    assert await _under(database, Keyring(**OLD)) == await _to_move(database) == 0
    await engine.dispose()


async def test_a_key_that_is_not_given_is_missed_and_said_so(
    database: Database, kestrel: Kestrel, tmp_path: Path
) -> None:
    other = {"master_key": b64encode(b"x" * 32).decode(), "phone_key": NEW["phone_key"]}
    status, said = await _renewed(database, "casework", tmp_path / "secrets", other)
    assert status == 1
    assert "people's numbers: 0 brought under the newest key" in said
    assert "are opened by none of these keys" in said
    assert said.endswith("keep the older keys: they are still needed, or lost keys are\n")


@asynccontextmanager
async def _carers(database: Database, keys: dict[str, str], kestrel: Kestrel, folder: Path) -> AsyncIterator[Carers]:
    """Carers as it runs after a restart with these keys."""
    name = kestrel.document["authority"]["id"]
    async with carers(database, Keyring(**keys), folder / "spool", authority=name) as running:
        yield running


async def _renew_all(database: Database) -> None:
    for service in KEEPS_CLOSED:
        parts = importlib.import_module(f"services.{service}.key_rotation").RENEWS
        assert await renew_all(database.engine(service), Keyring(**BOTH), parts, print)


async def test_a_conversation_goes_on_through_each_step_of_the_change(
    database: Database, kestrel: Kestrel, tmp_path: Path
) -> None:
    phone, stranger = kestrel.phone("resi"), fresh_number()
    async with _carers(database, OLD, kestrel, tmp_path) as service:
        await service.says(kestrel.phone("cat"), "JOIN C9")
        [report, *_] = await service.says(phone, "one of the girls has run off")
        [strange, *_] = await service.says(stranger, "a boy called Yusuf has run away from here")
    async with _carers(database, BOTH, kestrel, tmp_path) as service:
        answered = await service.says(phone, "c-13")
        assert {each.subject for each in answered} == {report.subject}, "the question was forgotten"
        [more, *_] = await service.says(stranger, "he has a red coat on")
        assert more.subject == strange.subject, "the stranger's story was torn in two"
    await _renew_all(database)
    async with _carers(database, NEW, kestrel, tmp_path) as service:
        back = await service.says(phone, "C13 is back")
        assert report.subject in {each.subject for each in back}
        [later, *_] = await service.says(stranger, "he is at the bus station")
        assert later.subject == strange.subject
        joined = await service.says(kestrel.phone("cat"), "JOIN C9")
        assert joined == [], "who has joined is not asked to practise again"


async def test_a_police_reference_is_found_by_the_new_key_alone_and_not_once_its_child_is_erased(
    database: Database, kestrel: Kestrel
) -> None:
    store, erased = Store(database.engine("carers")), new_id("provisional")
    for child in (kestrel.ids["C1"], erased):
        async with store.transaction() as uow:
            said = "REF nm-2026 118"
            await words.keep(uow, Keyring(**OLD), about=child, words=said, said_by=None, at=NOW, reference=True)
    await store.close()
    await erase(database, Keyring(**OLD), erased)
    await _renew_all(database)
    console = Store(database.engine("console"))
    async with console.read() as reader:
        for keys, found in ((NEW, [kestrel.ids["C1"]]), (OLD, [])):
            hashes = list(hashes_by_key(Keyring(**keys), "NM/2026")[0])
            sql = "SELECT about FROM register.references_for_duty_desk WHERE hash = ANY(%(hashes)s)"
            rows = await reader.fetch(Query(sql, {"hashes": hashes}, all_rows))
            assert [row.about for row in rows] == found
    await console.close()


async def test_a_strangers_story_is_renewed_without_a_text_of_theirs(
    database: Database, kestrel: Kestrel, tmp_path: Path
) -> None:
    stranger = fresh_number()
    async with _carers(database, OLD, kestrel, tmp_path) as service:
        [first, *_] = await service.says(stranger, "a boy called Yusuf has run away from here")
    await _renew_all(database)
    async with _carers(database, NEW, kestrel, tmp_path) as service:
        [later, *_] = await service.says(stranger, "he is at the bus station")
    assert later.subject == first.subject


async def test_texts_of_one_sender_are_read_in_order_across_the_change(
    database: Database, kestrel: Kestrel, tmp_path: Path
) -> None:
    phone = kestrel.phone("cat")
    async with _carers(database, OLD, kestrel, tmp_path) as service:
        await service.text(phone, "MISSING")
    async with _carers(database, BOTH, kestrel, tmp_path) as service:
        before = await service.last_position()
        await service.text(phone, "BACK")
        async with service.store.transaction() as held:
            older = await held.fetch(texts.next_unread(service.worker._clocks.wall()))
            async with service.store.transaction() as other:
                assert older is not None
                assert await other.fetch(texts.next_unread(service.worker._clocks.wall())) is None
        await service.work()
        kinds = [each.content.kind for each in await service.said_after(before)]
    assert kinds == ["child.reported-missing.v1", "child.return-claimed.v1"]


async def test_a_code_that_was_texted_before_is_taken_after(
    database: Database, kestrel: Kestrel, tmp_path: Path
) -> None:
    number, engine = fresh_number(), database.engine("professionals")
    told = received(ProfessionalNotify, child=kestrel.ids["C9"])
    delivery = Delivery.of(told, lane="texts", now=NOW)
    old = Keyring(**OLD)
    async with Store(engine).transaction() as uow:
        await deliveries.put(uow, "professionals", replace(delivery, to_number=number, body="OK?"), old, None)
    carers_engine = database.engine("carers")

    async def found_with(keys: dict[str, str]) -> bool:
        async with Store(carers_engine).read() as reader:
            numbers = Keyring(**keys).number_hashes(number)
            return await reader.fetch(telling_by_code(numbers, delivery.code)) is not None

    assert [await found_with(each) for each in (OLD, BOTH, NEW)] == [True, True, False]
    await _renew_all(database)
    assert [await found_with(each) for each in (OLD, BOTH, NEW)] == [False, True, True]
    await engine.dispose()
    await carers_engine.dispose()


async def test_whoever_was_invited_before_is_known_by_their_address_after(database: Database, tmp_path: Path) -> None:
    async with running_strategy(database, Keyring(**OLD)) as strategy:
        await strategy.invite(POLICE, SOCIAL)

        async def known_with(keys: dict[str, str]) -> int:
            hashes = Keyring(**keys).number_hashes(spelt(strategy.address(POLICE).upper()))
            async with strategy.floor.store.transaction() as uow:
                inviting, found = await uow.fetch(
                    inviters(hashes), discussion_of_child(strategy.child, None, exercise=False)
                )
                assert found is not None
                mine = await uow.fetch(attendees_with_address(found.discussion, hashes))
            assert (strategy.document["authority"]["id"] in {each.authority for each in inviting}) is bool(mine)
            return len(mine)

        assert [await known_with(each) for each in (OLD, BOTH, NEW)] == [1, 1, 0]
        await _renew_all(database)
        assert [await known_with(each) for each in (OLD, BOTH, NEW)] == [0, 1, 1]


def test_a_key_is_changed_in_three_steps_each_of_which_may_be_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    prepare(folder)
    old = (folder / "carers" / "phone_key").read_text()
    with pytest.raises(rotate.NotNow):
        rotate.rotate(folder, "phone_key", "lead")
    for _ in range(2):
        rotate.rotate(folder, "phone_key", "add")
        first, new = (folder / "carers" / "phone_key").read_text().split()
        assert first == old
    with pytest.raises(rotate.NotNow):
        rotate.rotate(folder, "phone_key", "drop")
    for _ in range(2):
        rotate.rotate(folder, "phone_key", "lead")
        assert (folder / "carers" / "phone_key").read_text().split() == [new, old]
    rotate.rotate(folder, "phone_key", "drop")
    assert {(folder / each / "phone_key").read_text() for each in ("casework", "carers", "console")} == {new}
    assert not (folder / "protocol" / "phone_key").exists()
    assert rotate.main(["phone_key", "drop"], folder) == 1
    Keyring((folder / "carers" / "master_key").read_text(), new)
