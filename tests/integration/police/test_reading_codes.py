"""A link in a mailbox shows what its mail showed. A code to the control room's number opens the notice, in one browser."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import psycopg
import pytest

from services.platform.delivery.links import Links, Purpose
from services.platform.store.encryption import Keyring
from services.police.web import notice_page
from tests.integration.police.test_email_channel import mailed
from tests.integration.police.test_notice_page_closed import OF_THE_CHILD
from tests.support.engines.database import Database
from tests.support.in_process.police import LINK_KEY, Police, by_mail, police_of

WHO = {"name": "PC Adeyemi", "collar": "NP 4127"}


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring, by_mail) as running:
        yield running


def elsewhere(police: Police) -> httpx.AsyncClient:
    """Another browser."""
    return httpx.AsyncClient(transport=police.http._transport, base_url="http://police")


@pytest.mark.parametrize("answer", ["read", "have-it", "anything", "details"])
async def test_the_link_alone_shows_nothing_of_the_child_before_nor_after_somebody_has_read_it(
    police: Police, answer: str
) -> None:
    _, _, path = await mailed(police)
    assert "Diallo" in (await police.open_notice(path)).text
    async with elsewhere(police) as other:
        for page in (await other.get(path), await other.post(path, data={"answer": answer} | WHO)):
            assert [each for each in OF_THE_CHILD if each in page.text.replace("+441632960100", "")] == []


@pytest.mark.parametrize(("answer", "by_voice"), [("ring", True), ("text", False)])
async def test_the_code_goes_to_the_number_on_file_and_names_nobody(
    police: Police, answer: str, by_voice: bool
) -> None:
    _, _, path = await mailed(police)
    page = await police.http.post(path, data={"answer": answer} | WHO)
    [sent] = police.phone.sent
    assert (sent.recipient, sent.by_voice) == (police.document["forces"][0]["callback"], by_voice)
    assert [each for each in ("Diallo", "Adeyemi", "missing") if each in sent.body] == []
    assert police.code() not in page.text
    assert "Diallo" in (await police.http.post(path, data={"answer": "read", "code": police.code().lower()})).text


@pytest.mark.parametrize("left_out", ["name", "collar"])
async def test_who_reads_must_be_said_before_a_code_goes(police: Police, left_out: str) -> None:
    _, _, path = await mailed(police)
    page = await police.http.post(path, data={"answer": "ring"} | WHO | {left_out: ""})
    assert "NO CODE YET" in page.text
    assert police.phone.sent == []


async def test_a_code_is_good_in_the_browser_that_asked_for_it_and_in_no_other(police: Police) -> None:
    _, _, path = await mailed(police)
    await police.http.post(path, data={"answer": "ring"} | WHO)
    opens = {"answer": "read", "code": police.code()}
    async with elsewhere(police) as other:
        assert "Diallo" not in (await other.post(path, data=opens)).text
    assert "Diallo" in (await police.http.post(path, data=opens)).text
    assert "Diallo" in (await police.http.post(path, data={"answer": "read"})).text


async def test_the_mails_link_shows_the_notice_again_where_a_code_has_opened_it_and_records_each_reading(
    police: Police,
) -> None:
    told, _, path = await mailed(police)
    await police.open_notice(path)
    assert "Diallo" in (await police.http.get(path)).text
    read = [each["data"] for each in await police.said_since(told, ("register.looked-up",))]
    assert [each["purpose"] for each in read if each["officer"]] == ["notice-page"] * 2


async def test_the_browser_comes_back_from_a_mailbox_that_is_itself_a_web_page(police: Police) -> None:
    """With SameSite=Strict a browser would not say there that the notice is open in it."""
    _, _, path = await mailed(police)
    asked = await police.http.post(path, data={"answer": "ring"} | WHO)
    assert "samesite=lax" in asked.headers["set-cookie"].lower()


async def test_a_code_opens_no_other_notice(police: Police) -> None:
    _, _, path = await mailed(police)
    _, _, other = await mailed(police)
    await police.open_notice(path)
    assert "Diallo" not in (await police.http.post(other, data={"answer": "read", "code": police.code()})).text
    assert "Diallo" not in (await police.http.post(other, data={"answer": "read"})).text


async def test_after_five_wrong_codes_the_right_one_opens_nothing(police: Police) -> None:
    _, _, path = await mailed(police)
    await police.http.post(path, data={"answer": "ring"} | WHO)
    for tries in range(1, notice_page.MOST_TRIES + 1):
        page = await police.http.post(path, data={"answer": "read", "code": "22222"})
        assert ("This code is not right" in page.text) == (tries < notice_page.MOST_TRIES)
    right = await police.http.post(path, data={"answer": "read", "code": police.code()})
    assert "Diallo" not in right.text
    assert "Have another code sent" in right.text
    await police.http.post(path, data={"answer": "ring"} | WHO)
    assert "Diallo" in (await police.http.post(path, data={"answer": "read", "code": police.code()})).text


@pytest.mark.parametrize("limit", ["CODE_FOR", "OPEN_FOR"])
async def test_a_code_and_what_it_opened_have_an_end(
    police: Police, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    _, _, path = await mailed(police)
    await police.http.post(path, data={"answer": "ring"} | WHO)
    opens = {"answer": "read", "code": police.code()}
    if limit == "OPEN_FOR":
        assert "Diallo" in (await police.http.post(path, data=opens)).text
        opens = {"answer": "read"}
    monkeypatch.setattr(notice_page, limit, timedelta())
    assert "Diallo" not in (await police.http.post(path, data=opens)).text


async def test_nobody_who_holds_the_link_rings_the_control_room_all_night(police: Police) -> None:
    _, _, path = await mailed(police)
    for _ in range(notice_page.MOST_CODES_AN_HOUR + 2):
        page = await police.http.post(path, data={"answer": "ring"} | WHO)
    assert len(police.phone.sent) == notice_page.MOST_CODES_AN_HOUR
    assert "No code could be sent" in page.text
    assert "01632 960100" in page.text


async def test_without_a_number_on_file_no_code_goes_and_the_officer_can_still_say_that_they_have_it(
    police: Police, database: Database
) -> None:
    with psycopg.connect(database.admin_url) as connection:  # it was entered before a number was asked for
        connection.execute("UPDATE register.force_versions SET callback = NULL WHERE force = %s", [police.force])
    told, _, path = await mailed(police)
    assert "No code could be sent" in (await police.http.post(path, data={"answer": "ring"} | WHO)).text
    await police.http.post(path, data={"answer": "have-it"} | WHO)
    assert "duty.acknowledged.v1" in await police.floor.kinds_said(told.subject)
    [said] = await police.floor.facts_said(told.subject, "duty.acknowledged.v1")
    assert said["unread"], "the authority is told what it is worth"
    page = await police.http.get(path)
    assert "without opening the notice, that they have it." in page.text


@pytest.mark.parametrize("what", [{"grade": "low"}, {"closed": "yes"}])
async def test_what_may_end_something_is_taken_from_who_has_read_the_notice(
    police: Police, what: dict[str, str]
) -> None:
    told, _, path = await mailed(police)
    page = await police.http.post(path, data={"answer": "have-it"} | WHO | what)
    assert "NOT RECORDED YET" in page.text
    kinds = ("police.acknowledged", "police.risk-graded", "police.closed", "duty.acknowledged")
    assert await police.said_since(told, kinds) == []
    await police.open_notice(path)
    await police.http.post(path, data={"answer": "have-it"} | WHO | what)
    assert len(await police.said_since(told, ("police.risk-graded", "police.closed"))) == 1


async def test_details_open_in_the_browser_that_has_opened_the_notice(police: Police) -> None:
    police.document["children"][0]["description"] = "a green coat " * 150
    await police.register()
    told, _, path = await mailed(police)
    details = Links(LINK_KEY, "http://police").url(Purpose.DETAILS, told.content.telling, police.floor.clocks.wall())
    assert "Open the notice first" in (await police.http.post(details, data={"answer": "open"})).text
    await police.open_notice(path)
    assert "a green coat" in (await police.http.post(details, data={"answer": "open"})).text
    [read] = [
        each["data"]
        for each in await police.said_since(told, ("register.looked-up",))
        if each["data"]["purpose"] == "notice-details"
    ]
    assert read["officer"]
