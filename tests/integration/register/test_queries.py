"""Each purpose's reads, on a real PostgreSQL, as the service's own role."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.platform.delivery.model import Delivery
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import conversation, directory, keys, organisations, words
from services.platform.register.child import facts_at_placement, facts_by_child
from services.platform.register.conversation import SpeakerKind
from services.platform.register.organisations import Forces
from services.platform.register.police_notice import NoticeFacts, facts_for_notice
from services.platform.register.words import words_told_to_police
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Reader
from services.platform.store.unit_of_work import Origin, Store
from services.protocol.policy.case import Facts
from services.safeguarding.identifiers import new_id, provisional_child
from services.safeguarding.roles import Role
from tests.support.engines.database import Database
from tests.support.engines.round_trips import round_trips
from tests.support.histories.reading import speaker
from tests.support.in_process.delivery import received
from tests.support.in_process.register import OTHER_SECRET, SECRET, authority, load, number_of, words_kept

TUESDAY_NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TUESDAY_NIGHT = datetime(2026, 11, 24, 22, tzinfo=UTC)
Engines = Callable[[str], AsyncEngine]


@pytest.fixture
async def engines(database: Database) -> AsyncIterator[Engines]:
    opened: dict[str, AsyncEngine] = {}

    def of(role: str) -> AsyncEngine:
        return opened.setdefault(role, database.engine(role))

    yield of
    for engine in opened.values():
        await engine.dispose()


class Loaded:
    """An authority in the register: the document, and the ids behind its references."""

    def __init__(self, document: dict[str, Any], ids: dict[str, str]) -> None:
        self.document = document
        self.name: str = document["authority"]["id"]
        self.ids = ids


@pytest.fixture
async def kestrel(engines: Engines, keyring: Keyring) -> Loaded:
    document = authority()
    return Loaded(document, await load(engines("casework"), keyring, document, TUESDAY_NOON))


async def test_a_known_childs_notice_has_its_placement_both_carers_and_the_duty_line(
    engines: Engines, keyring: Keyring, kestrel: Loaded
) -> None:
    async with engines("police").connect() as connection:
        found = await Reader(connection).fetch(facts_for_notice(keyring, kestrel.ids["C1"]))
    assert found.child is not None
    assert (found.child.name, found.child.known_as, found.child.date_of_birth) == (
        "Amara C1 Diallo",
        ("Ama",),
        date(2011, 3, 4),
    )
    assert found.child.modern_slavery_concern is None
    assert found.placement is not None
    assert (found.placement.address, found.placement.host_authority) == ("4 Mill Lane", "lapwing")
    assert {carer.name for carer in found.placement.carers} == {"Ash Example", "Bea Example"}
    assert {carer.mobile for carer in found.placement.carers} == {
        number_of(kestrel.document, each) for each in ("ash", "bea")
    }
    assert (found.authority, found.authority_name, found.duty_line) == (
        kestrel.name,
        "Kestrel County Council",
        "+441632960100",
    )


async def test_a_provisional_childs_notice_has_the_candidates_and_the_home_it_was_reported_from(
    engines: Engines, keyring: Keyring, kestrel: Loaded
) -> None:
    six = [kestrel.ids[f"C1{n}"] for n in range(1, 7)]
    async with engines("police").connect() as connection:
        found = await Reader(connection).fetch(
            facts_for_notice(keyring, provisional_child("x"), candidates=six, placement=kestrel.ids["home"])
        )
    assert found.child is None
    assert [each.child for each in found.candidates] == six
    assert found.placement is not None
    assert found.placement.address == "9 High Street"


async def test_a_provisional_child_without_candidates_still_has_a_placement(
    engines: Engines, keyring: Keyring, kestrel: Loaded
) -> None:
    async with engines("police").connect() as connection:
        found = await Reader(connection).fetch(
            facts_for_notice(keyring, provisional_child("y"), placement=kestrel.ids["foster"])
        )
    assert found.candidates == ()
    assert found.authority == kestrel.name
    assert found.placement is not None
    assert found.placement.force == f"{kestrel.name}-police"


async def test_a_child_nobody_knows_has_gaps_and_no_error(engines: Engines, keyring: Keyring) -> None:
    async with engines("police").connect() as connection:
        found = await Reader(connection).fetch(facts_for_notice(keyring, new_id("child")))
    assert found == NoticeFacts(None, None, None, None, (), None)


async def test_an_erased_key_leaves_a_gap_in_the_notice(engines: Engines, keyring: Keyring, kestrel: Loaded) -> None:
    async with engines("casework").begin() as connection:
        await connection.execute(text("DELETE FROM register.sealed_keys WHERE owner = :o"), {"o": kestrel.ids["C2"]})
    async with engines("police").connect() as connection:
        found = await Reader(connection).fetch(facts_for_notice(keyring, kestrel.ids["C2"]))
    assert found.child is not None
    assert (found.child.name, found.child.code) == (None, "C2")


async def test_personal_columns_hold_no_readable_word(engines: Engines, kestrel: Loaded) -> None:
    async with engines("casework").connect() as connection:
        for table in ("children", "people", "placements", "force_versions", "agencies"):
            for row in (await connection.execute(text(f"SELECT * FROM register.{table}"))).mappings():
                seen = " ".join(
                    bytes(value).decode("latin-1") if isinstance(value, bytes) else str(value) for value in row.values()
                )
                for secret in ("Amara", "Example", "Mill Lane", "green coat", "+4477", "@kestrel", "whsec_"):
                    assert secret not in seen


async def test_a_foster_carer_may_text_about_her_two_children(
    engines: Engines, keyring: Keyring, kestrel: Loaded
) -> None:
    async with engines("carers").connect() as connection:
        found = await speaker(connection, keyring, number_of(kestrel.document, "ash"), TUESDAY_NOON)
    assert found.kind is SpeakerKind.CARER
    assert (found.person, found.authority) == (kestrel.ids["ash"], kestrel.name)
    assert [(child.code, child.first_names) for child in found.children] == [
        ("C1", ("Amara", "Ama")),
        ("C2", ("Amara", "Ama")),
    ]
    assert found.placement == kestrel.ids["foster"]
    assert found.children[0].force == f"{kestrel.name}-police"


async def test_a_residential_worker_has_the_homes_six_children(
    engines: Engines, keyring: Keyring, kestrel: Loaded
) -> None:
    async with engines("carers").connect() as connection:
        found = await speaker(connection, keyring, number_of(kestrel.document, "resi"), TUESDAY_NOON)
    assert found.kind is SpeakerKind.RESIDENTIAL
    assert [child.code for child in found.children] == [f"C1{n}" for n in range(1, 7)]


async def test_staff_and_strangers_have_no_children(engines: Engines, keyring: Keyring, kestrel: Loaded) -> None:
    async with engines("carers").connect() as connection:
        staff = await speaker(connection, keyring, number_of(kestrel.document, "night"), TUESDAY_NOON)
        stranger = await speaker(connection, keyring, "+441632960999", TUESDAY_NOON)
    assert (staff.kind, staff.children) == (SpeakerKind.STAFF, ())
    assert stranger == conversation.Speaker(SpeakerKind.UNKNOWN)


async def test_a_carer_who_left_is_a_former_carer_and_learns_nothing(
    engines: Engines, keyring: Keyring, kestrel: Loaded
) -> None:
    document = dict(kestrel.document, carers=[row for row in kestrel.document["carers"] if row["person"] != "bea"])
    await load(engines("casework"), keyring, document, TUESDAY_NOON + timedelta(hours=1))
    async with engines("carers").connect() as connection:
        found = await speaker(
            connection, keyring, number_of(kestrel.document, "bea"), TUESDAY_NOON + timedelta(hours=2)
        )
    assert found.kind is SpeakerKind.FORMER_CARER
    assert (found.children, found.placement) == ((), None)


async def test_the_duty_line_is_the_authoritys(engines: Engines, kestrel: Loaded) -> None:
    async with engines("carers").connect() as connection:
        team = await Reader(connection).fetch(conversation.only_team(kestrel.name))
        assert team is not None
        assert team.line == "+441632960100"
        assert await Reader(connection).fetch(conversation.only_team("no-such-authority")) is None


async def test_in_hours_the_duty_social_worker_then_the_deputy(engines: Engines, kestrel: Loaded) -> None:
    assert await _holders(engines, kestrel, Role.DUTY_WORKER, TUESDAY_NOON) == ["day", "deputy"]


async def test_out_of_hours_the_emergency_duty_team(engines: Engines, kestrel: Loaded) -> None:
    assert await _holders(engines, kestrel, Role.DUTY_WORKER, TUESDAY_NIGHT) == ["night"]


async def test_on_a_bank_holiday_noon_the_emergency_duty_team(engines: Engines, kestrel: Loaded) -> None:
    christmas = datetime(2026, 12, 25, 12, tzinfo=UTC)
    assert await _holders(engines, kestrel, Role.DUTY_WORKER, christmas) == ["night"]


async def test_a_childs_role_is_held_for_that_child_alone(engines: Engines, kestrel: Loaded) -> None:
    assert await _holders(engines, kestrel, Role.CHILD_SOCIAL_WORKER, TUESDAY_NOON, child="C1") == ["worker"]
    assert await _holders(engines, kestrel, Role.CHILD_SOCIAL_WORKER, TUESDAY_NOON, child="C2") == []


async def test_both_carers_are_told_whether_the_child_or_only_the_placement_is_known(
    engines: Engines, kestrel: Loaded
) -> None:
    assert set(await _holders(engines, kestrel, Role.CARERS_ALL, TUESDAY_NOON, child="C1")) == {"ash", "bea"}
    async with engines("carers").connect() as connection:
        asked = directory.role_holders(
            Role.CARERS_ALL,
            authority=kestrel.name,
            child=provisional_child("z"),
            person=None,
            placement=kestrel.ids["home"],
            at=TUESDAY_NOON,
        )
        found = await Reader(connection).fetch(asked)
    assert [holder.person for holder in found] == [kestrel.ids["resi"]]


async def test_the_named_person_is_the_holder_whatever_the_role(engines: Engines, kestrel: Loaded) -> None:
    async with engines("carers").connect() as connection:
        asked = directory.role_holders(
            Role.CARER_REPORTING, authority=kestrel.name, child=None, person=kestrel.ids["gone"], at=TUESDAY_NOON
        )
        found = await Reader(connection).fetch(asked)
    assert found == [directory.Holder(kestrel.ids["gone"], kestrel.name, "en")]


async def test_another_authoritys_rota_is_never_asked(engines: Engines, kestrel: Loaded, keyring: Keyring) -> None:
    await load(engines("casework"), keyring, authority(), TUESDAY_NOON)
    assert await _holders(engines, kestrel, Role.DUTY_SENIOR_MANAGER, TUESDAY_NOON) == ["boss"]


async def test_rules_see_flags_and_dates_and_no_name(engines: Engines, kestrel: Loaded) -> None:
    child = kestrel.ids["C1"]
    async with engines("protocol").connect() as connection:
        by_child, unknown = await Reader(connection).fetch(
            facts_by_child([child, provisional_child("q")]),
            facts_at_placement(kestrel.ids["home"]),
        )
    assert list(by_child) == [child]
    known = by_child[child]
    assert Facts.model_validate(known) == Facts(
        authority=kestrel.name,
        force=f"{kestrel.name}-police",
        placement=kestrel.ids["foster"],
        host_authority="lapwing",
        adult_on=date(2029, 3, 4),
        unaccompanied=True,
        modern_slavery_concern=None,
        subject_to_immigration_control=True,
        age_disputed=False,
        guardian_allocated=False,
        entered_care_at=datetime(2026, 11, 20, 10, tzinfo=UTC),
        carers=tuple(sorted((kestrel.ids["ash"], kestrel.ids["bea"]))),
    )
    assert (unknown["authority"], unknown["force"], unknown["unaccompanied"]) == (
        kestrel.name,
        f"{kestrel.name}-police",
        None,
    )


async def test_a_contacts_number_and_mail_open_for_those_who_send(
    engines: Engines, keyring: Keyring, kestrel: Loaded
) -> None:
    async with engines("professionals").connect() as connection:
        found = await Reader(connection).fetch(directory.contact_by_person(keyring, kestrel.ids["day"]))
        assert await Reader(connection).fetch(directory.contact_by_person(keyring, new_id("person"))) is None
    assert found == directory.Contact(
        kestrel.ids["day"], number_of(kestrel.document, "day"), "day@kestrel.example", "en"
    )


class BeforeIt(Clocks):
    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_forces_endpoint_has_both_secrets_of_a_rotation(
    engines: Engines, keyring: Keyring, kestrel: Loaded
) -> None:
    async with engines("police").connect() as connection:
        by_id, name = Forces(keyring, Clocks()).by_id, f"{kestrel.name}-police"
        found, unknown, early = await Reader(connection).fetch(
            by_id(name), by_id("no-such-force"), Forces(keyring, BeforeIt()).by_id(name)
        )
    assert unknown is None
    assert early is None, "by the time that the process goes by, and not by its machine's"
    assert found is not None
    assert (found.secrets, found.reply_secrets) == ((SECRET, OTHER_SECRET), (OTHER_SECRET,))
    assert found.notice_url == "http://127.0.0.1:1/notices"


async def test_an_agency_is_found_by_its_source(engines: Engines, keyring: Keyring, kestrel: Loaded) -> None:
    async with Store(engines("casework")).read() as reader:
        found, none = await reader.fetch(
            organisations.agency_by_source(keyring, f"/agencies/{kestrel.name}-hospital"),
            organisations.agency_by_source(keyring, "/agencies/elsewhere"),
        )
    assert none is None
    assert found is not None
    assert (found.authority, found.secrets, found.verifies) == (kestrel.name, (SECRET,), True)


async def test_police_read_the_words_that_their_notice_names_oldest_first_and_no_others(
    engines: Engines, keyring: Keyring, kestrel: Loaded, database: Database
) -> None:
    store = Store(engines("carers"), origin=Origin("carers", Clocks()))
    async with store.transaction() as uow:
        later = await words.keep(
            uow, keyring, about=kestrel.ids["C1"], words="seen at the station", said_by=None, at=TUESDAY_NIGHT
        )
        first = await words.keep(
            uow, keyring, about=kestrel.ids["C1"], words="took a blue bag", said_by="x", at=TUESDAY_NOON
        )
        beside = await words.keep(
            uow,
            keyring,
            about=kestrel.ids["C1"],
            words="why I called it off",
            said_by="account-1",
            at=TUESDAY_NOON,
        )
    async with engines("police").connect() as connection:
        seen = text("SELECT count(*) FROM register.words_told_to_police WHERE id = ANY(:i)")
        assert await connection.scalar(seen, {"i": [later, first, beside]}) == 0, "told of nobody yet"
    told, of_another = (
        received(child=kestrel.ids["C1"], words=named, authority=kestrel.name) for named in ([later, first], [])
    )
    police = Store(engines("police"), origin=Origin("police", Clocks()))
    async with police.transaction() as uow:
        for each in (told, of_another):
            delivery = Delivery.of(each, lane="a-force", now=TUESDAY_NIGHT)
            assert await deliveries.put(uow, "police", delivery, keyring, None)
    async with engines("police").connect() as connection:
        found, none = await Reader(connection).fetch(
            words_told_to_police(keyring, told.content.telling),
            words_told_to_police(keyring, of_another.content.telling),
        )
        for view in ("words_told_to_police", "words_said"):
            seen = text(f"SELECT id FROM register.{view} WHERE id = ANY(:i)")
            ids = (await connection.execute(seen, {"i": [later, first, beside]})).scalars()
            assert sorted(ids) == sorted([later, first])
        closed = await connection.scalar(
            text("SELECT words FROM register.words_told_to_police WHERE id = :i"), {"i": first}
        )
    assert b"blue bag" not in bytes(closed)
    said = [(each.text, each.said_by) for each in found]
    assert (said, none) == ([("took a blue bag", "x"), ("seen at the station", None)], [])
    assert [each.text for each in await words_kept(database, keyring, [beside])] == ["why I called it off"]


async def test_an_owners_key_is_made_once(engines: Engines, keyring: Keyring) -> None:
    owner = f"number-{new_id('x')}"
    async with engines("carers").begin() as connection:
        sealed = (await keys.data_key(connection, keyring, owner)).close("hello", "texts.body")
    async with engines("professionals").begin() as connection:
        assert (await keys.data_key(connection, keyring, owner)).open(sealed, "texts.body") == "hello"


async def test_two_that_make_one_key_at_once_end_with_the_same(engines: Engines, keyring: Keyring) -> None:
    owner, first, second = f"number-{new_id('x')}", engines("carers"), engines("professionals")
    async with first.begin() as one, second.begin() as other:
        made = await keys.data_key(one, keyring, owner)
        waiting = asyncio.create_task(keys.data_key(other, keyring, owner))
        await asyncio.sleep(0.2)
        assert not waiting.done(), "it made a key of its own"
        await one.commit()
        assert (await waiting).open(made.close("hello", "texts.body"), "texts.body") == "hello"


@pytest.mark.parametrize("new", [False, True])
async def test_making_a_key_takes_two_round_trips_and_one_where_there_is_probably_none(
    engines: Engines, keyring: Keyring, *, new: bool
) -> None:
    """Of a connection that has prepared both statements, as all have but the newest."""
    engine = engines("carers")

    async def make() -> None:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
            await keys.data_keys(connection, keyring, [f"number-{new_id('x')}"], new=new)

    await make()
    with round_trips(engine) as trips:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
        without = trips.count
        trips.begin()
        await make()
        assert trips.count - without == (1 if new else 2), trips.statements


async def test_a_key_is_asked_for_once_in_a_transaction(engines: Engines, keyring: Keyring, kestrel: Loaded) -> None:
    store = Store(engines("carers"), origin=Origin("carers", Clocks()))
    with round_trips(store.engine) as trips:
        async with store.transaction() as uow:
            for each in ("a blue bag", "a red hat"):
                await words.keep(uow, keyring, about=kestrel.ids["C1"], words=each, said_by=None, at=TUESDAY_NOON)
        assert len([each for each in trips.statements if "data_keys" in each]) == 1
        assert len([each for each in trips.statements if "INTO register.words" in each]) == 1
        assert trips.count <= 2


async def _holders(engines: Engines, kestrel: Loaded, role: Role, at: datetime, child: str | None = None) -> list[str]:
    reference_of = {row_id: reference for reference, row_id in kestrel.ids.items()}
    async with engines("professionals").connect() as connection:
        asked = directory.role_holders(
            role, authority=kestrel.name, child=None if child is None else kestrel.ids[child], person=None, at=at
        )
        found = await Reader(connection).fetch(asked)
    return [reference_of[holder.person] for holder in found]
