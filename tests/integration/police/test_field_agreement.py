"""What a force is sent: only what it has agreed to; what is too much, behind a link; and what is lacking is asked for."""

import json
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.options.register_upkeep.photographs import keep_photograph
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import Store
from services.police.notices.schema import Child, NoticeData, Placement
from services.safeguarding.notice_fields import NoticeField
from services.safeguarding.roles import Wording
from tests.support.engines.database import Database
from tests.support.in_process.police import Police, police_of

PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
LONG = "A scar above the left eyebrow. " * 20
AGREED = ["child.name", "child.date_of_birth", "placement.address", "report"]


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring) as running:
        yield running


async def agreed_to(police: Police, *fields: str) -> None:
    police.document["forces"][0]["agreed"] = list(fields)
    await police.register()


def test_every_field_that_can_be_agreed_to_is_one_of_the_notices() -> None:
    parts = {f"child.{name}" for name in Child.model_fields} | {f"placement.{name}" for name in Placement.model_fields}
    wholes = {"photograph"} | set(NoticeData.model_fields)
    assert {each for each in NoticeField if "." in each} == parts - {"placement.address_as_of"}, "goes with the address"
    assert {each for each in NoticeField if "." not in each} <= wholes


async def test_a_force_is_sent_what_it_agreed_to_and_the_frame(police: Police) -> None:
    await agreed_to(police, *AGREED)
    _, notice = await police.notice()
    data = notice["data"]
    assert data["child"] == {"name": "Amara C1 Diallo", "date_of_birth": "2011-03-04"}
    assert data["placement"].keys() == {"address", "address_as_of"}
    assert data["placement"]["address"] == "4 Mill Lane"
    assert "said" not in data
    assert "child.description" in data["not_agreed"]
    assert data["sender"]["telephone"] == "+441632960100"
    assert data["handling"] == "OFFICIAL-SENSITIVE"
    assert "green coat" not in json.dumps(notice)


async def test_what_a_force_has_not_agreed_to_is_no_gap_and_was_not_told(police: Police) -> None:
    await agreed_to(police, *AGREED)
    told, notice = await police.notice()
    assert [each for each in notice["data"]["gaps"] if each.startswith("child.")] == []
    assert set(await police.looked_up(told)) == {"child.name", "placement.address"}


async def test_candidates_are_cut_as_the_child_is(police: Police) -> None:
    await agreed_to(police, *AGREED, "candidates")
    provisional = "provisional-00000000-0000-4000-8000-000000000001"
    _, notice = await police.notice(child=provisional, candidates=(police.ids["C11"],), placement=police.ids["home"])
    assert notice["data"]["candidates"] == [{"name": "Amara C11 Diallo", "date_of_birth": "2011-03-04"}]


async def test_a_profile_is_sent_and_its_gaps_named(police: Police) -> None:
    police.document["children"][0] |= {"medical": "asthma, blue inhaler", "legal_status": "section 20"}
    await police.register()
    _, notice = await police.notice()
    assert notice["data"]["child"]["medical"] == "asthma, blue inhaler"
    assert "child.legal_status" not in notice["data"]["gaps"]
    assert {"child.marks", "photograph", "report.clothing"} <= set(notice["data"]["gaps"])


async def test_a_first_notices_gaps_are_asked_for_once(police: Police) -> None:
    told, _ = await police.notice()
    episode = told.content.episode
    await police.notice(episode=episode)
    said = await police.said_since(told, ("police.notice-has-gaps",))
    mine = [each["data"] for each in said if each["data"]["episode"] == str(episode)]
    assert len(mine) == 1
    assert "photograph" in mine[0]["gaps"]
    assert "report.why_worried" in mine[0]["gaps"]
    assert "child.cards" not in mine[0]["gaps"]


async def test_earlier_episodes_are_counted(police: Police) -> None:
    first, _ = await police.notice(child="C2")
    await police.notice(child="C2", wording=Wording("returned-notice"), episode=first.content.episode)
    _, notice = await police.notice(child="C2")
    assert notice["data"]["report"]["earlier_episodes"] == "1"


async def with_photograph(police: Police) -> None:
    child = police.ids["C1"]
    taken_on, now = datetime(2026, 10, 2, tzinfo=UTC).date(), datetime.now(UTC)
    async with Store(police.casework).transaction() as uow:
        await keep_photograph(uow, police.keyring, child, PICTURE, "image/png", taken_on, now)


async def detailed(police: Police, **about: Any) -> tuple[Any, dict[str, Any], str]:
    police.document["children"][0]["marks"] = LONG
    await police.register()
    await with_photograph(police)
    told, notice = await police.notice(**about)
    return told, notice, re.sub("^http://police", "", notice["data"]["details"]["url"])


async def test_a_photograph_and_long_descriptions_are_not_in_the_body(police: Police) -> None:
    _, notice, _ = await detailed(police)
    details = notice["data"]["details"]
    assert notice["data"]["child"]["marks"] == "in details"
    assert details["holds"] == ["child.marks", "photograph"]
    assert details["photograph_taken_on"] == "2026-10-02"
    assert "eyebrow" not in json.dumps(notice)


async def test_the_details_open_by_a_button_and_each_opening_is_recorded(police: Police) -> None:
    told, _, path = await detailed(police)
    assert "eyebrow" not in (await police.http.get(path)).text
    page = (await police.http.post(path, data={"answer": "open"})).text
    assert "left eyebrow" in page
    assert "data:image/png;base64,iVBORw0KGgo" in page
    read = await police.said_since(told, ("register.looked-up",))
    assert [each["data"]["fields"] for each in read if each["data"]["purpose"] == "notice-details"] == [
        ["child.marks", "photograph"]
    ]


async def test_the_details_are_closed_once_the_child_is_back(police: Police) -> None:
    told, _, path = await detailed(police)
    await police.notice(wording=Wording("returned-notice"), episode=told.content.episode)
    page = (await police.http.post(path, data={"answer": "open"})).text
    assert "This is over" in page
    assert "eyebrow" not in page


async def test_a_force_that_has_not_agreed_to_a_photograph_gets_no_link_to_one(police: Police) -> None:
    await agreed_to(police, *AGREED, "child.marks")
    _, notice, path = await detailed(police)
    assert notice["data"]["details"]["holds"] == ["child.marks"]
    assert "data:image" not in (await police.http.post(path, data={"answer": "open"})).text
