"""A number that two authorities know, on a real PostgreSQL: whose child a text is about, and who hears of it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.platform.messages.envelope import Received
from services.platform.store.encryption import Keyring
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.identifiers import is_provisional
from tests.support.engines.database import Database
from tests.support.engines.round_trips import round_trips
from tests.support.in_process.carers import Carers, Kestrel, kinds
from tests.support.in_process.register import authority, fresh_number, load, words_kept
from tests.support.outside.confirmation import CONFIRM

CODE = re.compile(r" \((?:no\. )?\w{5}\)$")


class Lapwing:
    """Another authority, with the first one's force: `of` has its own child and placement for a number that it took over."""

    def __init__(self, database: Database, keyring: Keyring, first: Kestrel) -> None:
        self._database, self._keyring = database, keyring
        document = authority()
        force = first.document["forces"][0]
        document["forces"] = [force]
        for placement in document["placements"]:
            placement["force"] = force["id"]
        self.document = document
        self.name = document["authority"]["id"]
        self.ids: dict[str, str] = {}

    async def cares(self, number: str, *codes: str, first_name: str = "Selam") -> None:
        """By this number somebody of its own cares for children of its own, in the same home."""
        document = self.document
        document["placements"].append({**document["placements"][0], "reference": "shared"})
        document["people"].append({**document["people"][0], "reference": "dee", "mobile": number})
        document["carers"].append({"person": "dee", "placement": "shared"})
        child = {**document["children"][0], "placement": "shared", "known_as": []}
        document["children"] = [each for each in document["children"] if each["code"] not in codes]
        for code in codes:
            document["children"].append({**child, "reference": code, "code": code, "name": f"{first_name} Tesfay"})
        await self.imports()

    async def on_duty(self, number: str, role: str = "duty.senior-manager", child: str | None = None) -> None:
        document = self.document
        line = next(each for each in document["directory"] if each["role"] == "duty.senior-manager")
        document["people"].append({**document["people"][0], "reference": "dee", "mobile": number})
        document["directory"].append({**line, "role": role, "person": "dee", "order": 9, "child": child})
        await self.imports()

    async def closes(self, database: Database) -> None:
        """As one that was entered at the console and is not live yet."""
        engine = database.engine("casework")
        async with engine.begin() as connection:
            await connection.execute(
                text("UPDATE register.authorities SET live = false WHERE id = :n"), {"n": self.name}
            )
        await engine.dispose()

    async def imports(self, at: datetime = datetime(2026, 11, 24, tzinfo=UTC)) -> None:
        engine = self._database.engine("casework")
        self.ids = await load(engine, self._keyring, self.document, at)
        await engine.dispose()


@pytest.fixture
def lapwing(database: Database, keyring: Keyring, kestrel: Kestrel) -> Lapwing:
    return Lapwing(database, keyring, kestrel)


def name_of(kestrel: Kestrel) -> str:
    return str(kestrel.document["authority"]["id"])


def contents(said: list[Received[Any]], kind: type[Any]) -> list[Any]:
    return [each.content for each in said if isinstance(each.content, kind)]


def by_authority(said: list[Received[Any]], kind: type[Any]) -> Mapping[str, Received[Any]]:
    """One each."""
    found = {each.content.authority: each for each in said if isinstance(each.content, kind)}
    assert len(found) == len(contents(said, kind))
    return found


async def answers(service: Carers, number: str) -> list[str]:
    return [CODE.sub("", each) for each in await service.replies_to(number)]


async def asked_for(service: Carers, number: str) -> str:
    """What the newest text asks to be texted back."""
    found = CONFIRM.search((await service.replies_to(number))[-1])
    assert found is not None
    return found[0]


async def test_a_child_that_is_not_named_is_reported_to_each_authority_with_its_own_candidates(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone, ours = kestrel.phone("cat"), name_of(kestrel)
    await lapwing.cares(phone, "C41", "C42")
    said = await service.says(phone, "MISSING, last seen in a green coat")
    reported = by_authority(said, events.ChildReportedMissing)
    assert set(reported) == {ours, lapwing.name}
    at_ours, at_theirs = reported[ours].content, reported[lapwing.name].content
    assert at_ours.candidates == (kestrel.ids["C9"],)
    assert (at_ours.placement, at_ours.said_by) == (kestrel.ids["solo"], kestrel.ids["cat"])
    assert set(at_theirs.candidates) == {lapwing.ids["C41"], lapwing.ids["C42"]}
    assert (at_theirs.placement, at_theirs.said_by) == (lapwing.ids["shared"], lapwing.ids["dee"])
    assert len({each.subject for each in reported.values()}) == 2
    assert all(is_provisional(each.subject) for each in said)
    asked = by_authority(said, events.ChildProvisional)
    assert {name: each.subject for name, each in asked.items()} == {
        name: each.subject for name, each in reported.items()
    }
    assert "Which child is it?" in (await answers(service, phone))[-1]


async def test_what_is_said_is_kept_as_the_words_of_whom_each_authority_knows(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing, database: Database, keyring: Keyring
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C41")
    said = await service.says(phone, "MISSING, wearing a green coat")
    for each in by_authority(said, events.ChildReportedMissing).values():
        kept = await words_kept(database, keyring, each.content.words)
        assert {word.said_by for word in kept} == {each.content.said_by}
        assert {word.answers for word in kept} == {None, "clothing"}, "one child, whoever's it is"


async def test_the_answer_identifies_one_and_the_other_report_is_a_persons_and_not_taken_back(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone, ours = kestrel.phone("cat"), name_of(kestrel)
    await lapwing.cares(phone, "C41", "C42")
    reported = by_authority(await service.says(phone, "MISSING"), events.ChildReportedMissing)
    said: list[Received[Any]] = await service.says(phone, "C42")
    (identified,) = [each for each in said if isinstance(each.content, ChildIdentified)]
    assert identified.subject == reported[lapwing.name].subject
    assert identified.content == ChildIdentified(
        authority=lapwing.name,
        said_by=lapwing.ids["dee"],
        channel="text",
        child=lapwing.ids["C42"],
        words=identified.content.words,
    )
    (read,) = [each for each in said if isinstance(each.content, events.TextNeedsHuman)]
    assert (read.subject, read.content.authority, read.content.reason) == (reported[ours].subject, ours, "which-child")
    assert not contents(said, events.ReportRetracted) + contents(said, events.ChildReportedMissing)
    assert "recorded as missing" in (await answers(service, phone))[-1]


async def test_a_child_named_or_coded_exactly_is_that_child_as_its_own_authority_knows_it(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C41", first_name="Selam")
    for words in ("C41 is missing", "Selam is missing"):
        (said,) = await service.says(phone, words)
        assert said.subject == lapwing.ids["C41"]
        assert isinstance(said.content, events.ChildReportedMissing)
        assert (said.content.authority, said.content.said_by) == (lapwing.name, lapwing.ids["dee"])
        assert said.content.placement == lapwing.ids["shared"]
    (own,) = await service.says(phone, "C9 is missing")
    assert (own.subject, getattr(own.content, "authority", None)) == (kestrel.ids["C9"], name_of(kestrel))


async def test_a_code_that_both_have_is_exact_for_neither(service: Carers, kestrel: Kestrel, lapwing: Lapwing) -> None:
    """Attack 1: another authority takes over the number and the list of children, wrongly or not."""
    phone, ours = kestrel.phone("cat"), name_of(kestrel)
    await lapwing.cares(phone, "C9", "C41", first_name="Yusuf")
    said = await service.says(phone, "MISSING C9")
    reported = by_authority(said, events.ChildReportedMissing)
    candidates = {name: each.content.candidates for name, each in reported.items()}
    assert candidates == {ours: (kestrel.ids["C9"],), lapwing.name: (lapwing.ids["C9"],)}
    assert set(by_authority(said, events.ChildProvisional)) == {ours, lapwing.name}
    assert "Several have that code" in (await answers(service, phone))[-1]


@pytest.mark.parametrize("words", ["BACK C9", "false alarm, C9 was in bed", "c9 seen at the station"])
async def test_by_a_code_that_both_have_nobody_is_stood_down_and_a_person_of_each_reads_it(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing, words: str
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C9")
    await service.says(phone, "MISSING C9")
    said = await service.says(phone, words)
    assert set(kinds(said)) == {"text.needs-human.v1"}
    assert set(by_authority(said, events.TextNeedsHuman)) == {name_of(kestrel), lapwing.name}


async def test_an_answer_by_a_code_that_both_have_identifies_nobody(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C9", "C41")
    await service.says(phone, "MISSING")
    for words in ("C9", "9"):
        said = await service.says(phone, words)
        assert set(by_authority(said, events.TextNeedsHuman)) == {name_of(kestrel), lapwing.name}
        assert set(kinds(said)) == {"text.needs-human.v1"}


async def test_what_nobody_understands_is_read_by_a_person_of_each_authority(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C41")
    said = await service.says(phone, "the other thing was purple")
    assert set(by_authority(said, events.TextNeedsHuman)) == {name_of(kestrel), lapwing.name}


async def test_who_cared_for_the_others_children_once_reports_their_own_alone(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C41")
    lapwing.document["carers"] = [each for each in lapwing.document["carers"] if each["person"] != "dee"]
    await lapwing.imports(datetime.now(UTC) - timedelta(days=1))
    (said,) = await service.says(phone, "MISSING")
    assert said.subject == kestrel.ids["C9"]
    assert all(is_provisional(each.subject) for each in await service.says(phone, "C41 is missing"))


async def test_a_carer_here_who_is_on_duty_there_may_in_each_what_they_may_there(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.on_duty(phone)
    (own,) = await service.says(phone, "MISSING")
    assert own.subject == kestrel.ids["C9"]
    (coded,) = await service.says(phone, "MISSING C11")
    assert coded.subject == lapwing.ids["C11"]
    assert isinstance(coded.content, events.ChildReportedMissing)
    assert (coded.content.authority, coded.content.said_by) == (lapwing.name, lapwing.ids["dee"])
    assert coded.content.placement == lapwing.ids["home"]
    nobody = await service.says(phone, "Amara is missing")
    assert all(each.subject not in lapwing.ids.values() for each in nobody), "by name they know their own alone"


async def test_duty_staff_of_two_authorities_reach_both_where_no_code_says_which(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone, both = kestrel.phone("boss"), {name_of(kestrel), lapwing.name}
    await lapwing.on_duty(phone)
    assert set(by_authority(await service.says(phone, "a child has gone missing"), events.ChildProvisional)) == both
    alike = by_authority(await service.says(phone, "MISSING C11"), events.ChildReportedMissing)
    assert {name: each.content.candidates for name, each in alike.items()} == {
        name_of(kestrel): (kestrel.ids["C11"],),
        lapwing.name: (lapwing.ids["C11"],),
    }
    (exact,) = await service.says(phone, "MISSING C9")
    assert exact.subject == kestrel.ids["C9"]
    assert set(by_authority(await service.says(phone, "ring me about it"), events.TextNeedsHuman)) == both


async def test_an_officer_whom_two_authorities_list_is_read_by_both(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = fresh_number()
    await lapwing.on_duty(phone, "police.missing-coordinator")
    other = Lapwing(lapwing._database, lapwing._keyring, kestrel)
    await other.on_duty(phone, "police.missing-coordinator")
    said = await service.says(phone, "C11 is missing")
    assert set(by_authority(said, events.TextNeedsHuman)) == {lapwing.name, other.name}
    assert set(kinds(said)) == {"text.needs-human.v1"}


async def test_a_shared_number_s_report_asks_the_database_no_more_often(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C41")
    await service.says(phone, "STATUS")
    await service.text(phone, "MISSING C41")
    with round_trips(service.store.engine) as trips:
        await service.worker._turn()
        assert trips.count <= 5, trips.statements


async def test_what_is_practised_here_holds_for_the_children_of_each_as_it_knows_the_carer(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C41")
    (practised,) = await service.says(phone, "PRACTICE MISSING C41")
    assert (practised.subject, getattr(practised.content, "authority", None)) == (lapwing.ids["C41"], lapwing.name)
    assert await service.says(phone, "PRACTICE BACK") == []
    said = await service.says(phone, await asked_for(service, phone))
    aware = {each.subject: each.content for each in said if each.content.kind == "carer.awareness-recorded.v1"}
    assert {child: getattr(each, "carer", None) for child, each in aware.items()} == {
        kestrel.ids["C9"]: kestrel.ids["cat"],
        lapwing.ids["C41"]: lapwing.ids["dee"],
    }
    (over,) = [each for each in said if each.exercise]
    assert over.subject == lapwing.ids["C41"]


async def test_by_the_code_a_childs_return_is_proven_to_its_own_authority(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C41")
    await service.says(phone, "C41 is missing")
    (claimed,) = await service.says(phone, "C41 is back")
    assert (claimed.subject, claimed.content.kind) == (lapwing.ids["C41"], "child.return-claimed.v1")
    (returned,) = await service.says(phone, await asked_for(service, phone))
    assert isinstance(returned.content, events.ChildReturned)
    assert (returned.subject, returned.content.proof) == (lapwing.ids["C41"], events.Proof.HANDSET)
    assert (returned.content.authority, returned.content.said_by) == (lapwing.name, lapwing.ids["dee"])


async def test_of_two_that_are_missing_each_code_ends_one_authoritys_search_alone(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone = kestrel.phone("cat")
    await lapwing.cares(phone, "C41")
    await service.says(phone, "C41 is missing")
    await service.says(phone, "C9 is missing")
    said = await service.says(phone, "BACK")
    assert set(by_authority(said, events.TextNeedsHuman)) == {name_of(kestrel), lapwing.name}
    codes = CONFIRM.findall((await service.replies_to(phone))[-1])
    assert len(set(codes)) == 2
    back = [each for code in codes for each in await service.says(phone, code)]
    assert {each.subject: getattr(each.content, "authority", None) for each in back} == {
        kestrel.ids["C9"]: name_of(kestrel),
        lapwing.ids["C41"]: lapwing.name,
    }


async def test_back_after_a_report_without_a_name_is_claimed_of_each_report_and_proven_by_one_code(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing
) -> None:
    phone, both = kestrel.phone("cat"), {name_of(kestrel), lapwing.name}
    await lapwing.cares(phone, "C41")
    reported = by_authority(await service.says(phone, "MISSING"), events.ChildReportedMissing)
    claimed = by_authority(await service.says(phone, "BACK"), events.ChildReturnClaimed)
    assert set(claimed) == both
    proven = by_authority(await service.says(phone, await asked_for(service, phone)), events.ChildReturned)
    assert {name: each.subject for name, each in proven.items()} == {
        name: each.subject for name, each in reported.items()
    }


async def test_of_an_authority_that_is_not_live_nobody_is_told_and_the_sender_reads_so(
    service: Carers, kestrel: Kestrel, lapwing: Lapwing, database: Database
) -> None:
    number, shared = fresh_number(), kestrel.phone("cat")
    await lapwing.cares(number, "C41")
    await lapwing.closes(database)
    for words in ("MISSING C41", "she has gone", "BACK", "HELP"):
        assert await service.says(number, words) == []
    [first, *_] = await answers(service, number)
    assert "NOBODY HAS BEEN TOLD" in first
    assert CODE.sub("", first).endswith("+441632960100.")
    practised = await service.says(number, "PRACTICE MISSING C41")
    assert [each.exercise for each in practised if isinstance(each.content, events.ChildReportedMissing)] == [True]
    lapwing.document["people"][-1]["mobile"] = shared
    await lapwing.imports()
    await lapwing.closes(database)
    said = await service.says(shared, "MISSING")
    assert set(by_authority(said, events.ChildReportedMissing)) == {name_of(kestrel)}, "the live one alone"
