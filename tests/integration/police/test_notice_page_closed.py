"""The page of a notice once its child is back: what both sides call it and the place for a reference, and nothing of the child."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_string
from email.policy import default
from typing import Any
from uuid import UUID

import pytest

from services.platform.delivery.links import Links, Purpose
from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import code_of
from services.safeguarding.roles import Wording
from tests.support.engines.database import Database
from tests.support.in_process.police import LINK_KEY, Police, by_mail, police_of

LINK = re.compile(r"http://police(/notices/\S+)")
OF_THE_CHILD = ("Amara", "Diallo", "2011", "4 Mill Lane", "Mill", "green coat", "+44", "C1", "Carer", "foster")
OFFICER = {"answer": "have-it", "name": "PC Adeyemi", "collar": "NP 4127"}
KINDS = ("police.acknowledged", "police.reference-given", "duty.acknowledged")


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring, by_mail) as running:
        yield running


async def mailed(police: Police, **about: Any) -> tuple[Any, str]:
    """The duty, and the path behind the mail's link."""
    told = await police.tell(**about)
    await police.floor.until(told.content.telling, "accepted")
    sending = next(each for each in police.relay.sent if each.id == told.content.telling)
    plain = message_from_string(sending.body, policy=default).get_body(("plain",))
    assert plain is not None
    found = LINK.search(plain.get_content())
    assert found is not None
    return told, found[1]


async def then(police: Police, wording: Wording, episode: UUID) -> str:
    return (await mailed(police, wording=wording, episode=episode))[1]


def of_the_child(page: str, code: str) -> list[str]:
    """Beside the episode's code, whose hexadecimal digits may hold "C1" by chance."""
    return [each for each in OF_THE_CHILD if each in page.replace(code, "")]


@pytest.mark.parametrize("end", [Wording("returned-notice"), Wording("report-retracted-notice")])
@pytest.mark.parametrize("first", [Wording("missing-notice"), Wording("missing-update"), Wording("located-notice")])
async def test_nothing_of_the_child_is_shown_once_it_is_over(police: Police, first: Wording, end: Wording) -> None:
    missing, _ = await mailed(police)
    told, path = await mailed(police, wording=first, episode=missing.content.episode)
    before = (await police.open_notice(path)).text
    assert "Diallo" in before
    await then(police, end, told.content.episode)
    code = code_of(told.content.episode)
    for page in (
        await police.http.get(path),
        await police.http.post(path, data={"answer": "read"}),
        await police.http.post(path, data={"answer": "have-it", "reference": "x" * 121}),
        await police.http.post(path, data={"answer": "have-it", "name": "PC Adeyemi"}),
        await police.http.post(path, data={"answer": "anything"}),
        await police.http.post(path, data={"answer": "have-it"}),
    ):
        assert page.status_code == 200
        assert "This is over" in page.text
        assert code in page.text
        assert 'name="reference"' in page.text
        assert of_the_child(page.text, code) == []


async def test_who_reads_what_is_over_reads_nothing_that_the_record_would_name(police: Police) -> None:
    told, path = await mailed(police)
    await then(police, Wording("returned-notice"), told.content.episode)
    before = len(await police.said_since(told, ("register.looked-up",)))
    await police.http.post(path, data={"answer": "read"})
    assert len(await police.said_since(told, ("register.looked-up",))) == before


async def test_a_reference_can_still_be_given_and_nobody_s_name_is_asked(police: Police) -> None:
    told, path = await mailed(police)
    await then(police, Wording("returned-notice"), told.content.episode)
    assert 'name="collar"' not in (await police.http.get(path)).text
    page = await police.http.post(path, data={"answer": "have-it", "reference": "NP-7", "kind": "missing-person"})
    assert "It is recorded" in page.text
    [given] = await police.said_since(told, ("police.reference-given",))
    assert given["data"]["reference_kind"] == "missing-person"


async def test_who_filled_in_the_form_while_the_child_came_back_is_recorded_all_the_same(police: Police) -> None:
    told, path = await mailed(police)
    await then(police, Wording("returned-notice"), told.content.episode)
    page = await police.http.post(path, data=OFFICER)
    assert "It is recorded that you have it" in page.text
    kinds = [each["type"] for each in await police.said_since(told, KINDS)]
    assert kinds == ["police.acknowledged.v1", "duty.acknowledged.v1"]


async def test_the_notice_that_the_child_is_back_is_read_for_the_check(police: Police) -> None:
    told, _ = await mailed(police)
    path = await then(police, Wording("returned-notice"), told.content.episode)
    page = (await police.open_notice(path)).text
    assert "A safe and well check by police is due" in page
    assert "Diallo" in page


async def test_links_open_beyond_their_time_while_the_child_is_searched_for_and_no_longer(police: Police) -> None:
    police.document["children"][0]["description"] = "a green coat " * 150
    await police.register()
    told, _ = await mailed(police)
    links, put = Links(LINK_KEY, "http://police"), police.floor.clocks.wall() - timedelta(days=400)
    urls = [links.url(each, told.content.telling, put) for each in (Purpose.NOTICE, Purpose.DETAILS)]
    assert [(await police.http.get(each)).status_code for each in urls] == [200, 200]
    assert "Diallo" in (await police.open_notice(urls[0])).text
    await then(police, Wording("returned-notice"), told.content.episode)
    assert [(await police.http.get(each)).status_code for each in urls] == [410, 410]


async def test_the_links_of_an_exercise_end_after_their_time_though_nobody_closes_it(police: Police) -> None:
    told, _ = await mailed(police, exercise=True)
    links, put = Links(LINK_KEY, "http://police"), police.floor.clocks.wall() - timedelta(days=15)
    urls = [links.url(each, told.content.telling, put) for each in (Purpose.NOTICE, Purpose.DETAILS)]
    assert [(await police.http.get(each)).status_code for each in urls] == [410, 410]


async def test_what_is_asked_after_the_return_is_read(police: Police) -> None:
    told, _ = await mailed(police)
    await then(police, Wording("returned-notice"), told.content.episode)
    path = await then(police, Wording("safe-and-well-check-due"), told.content.episode)
    page = (await police.open_notice(path)).text
    assert "This is over" not in page
    assert "Diallo" in page


async def test_a_return_that_was_a_mistake_opens_the_notice_again(police: Police) -> None:
    told, path = await mailed(police)
    await then(police, Wording("returned-notice"), told.content.episode)
    await then(police, Wording("return-withdrawn-notice"), told.content.episode)
    assert "Diallo" in (await police.open_notice(path)).text


async def test_a_force_without_an_api_grades_and_closes_on_the_page_and_a_form_sent_twice_is_one_reply(
    police: Police,
) -> None:
    told, path = await mailed(police)
    await police.open_notice(path)
    await police.http.post(path, data=OFFICER | {"grade": "medium"})
    for _ in range(2):
        await police.http.post(path, data={"answer": "have-it", "grade": "high"})
    await then(police, Wording("returned-notice"), told.content.episode)
    for _ in range(2):
        page = await police.http.post(path, data={"answer": "have-it", "closed": "yes"})
        assert "It is recorded" in page.text
    said = await police.said_since(told, ("police.risk-graded", "police.closed"))
    assert [(each["type"], each["data"].get("grade")) for each in {each["id"]: each for each in said}.values()] == [
        ("police.risk-graded.v1", "medium"),
        ("police.risk-graded.v1", "high"),
        ("police.closed.v1", None),
    ]
    assert {each["data"]["force"] for each in said} == {told.content.force}


async def test_a_grade_that_goes_back_to_what_it_was_is_said_too(police: Police) -> None:
    """Whoever reads the record would otherwise hold the grade in between for the last."""
    told, path = await mailed(police)
    await police.open_notice(path)
    await police.http.post(path, data=OFFICER)
    for grade in ("high", "medium", "high", "high"):
        page = await police.http.post(path, data={"answer": "have-it", "grade": grade})
        assert "It is recorded" in page.text
    said = await police.said_since(told, ("police.risk-graded",))
    assert [each["data"]["grade"] for each in said] == ["high", "medium", "high"]
    assert len({each["id"] for each in said}) == 3


async def test_a_first_answer_that_is_sent_twice_gives_its_reference_once(police: Police) -> None:
    told, path = await mailed(police)
    for _ in range(2):
        page = await police.http.post(path, data=OFFICER | {"reference": "NP-7"})
        assert "It is recorded" in page.text
    assert len(await police.said_since(told, ("police.reference-given",))) == 1
