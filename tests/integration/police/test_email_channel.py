"""A force without an API: a mail that names nobody, a page that an officer opens, and the same acknowledgement as by API."""

import re
from collections.abc import AsyncIterator
from email import message_from_string
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import update

from services.platform.store.encryption import Keyring
from tests.support.engines.database import Database
from tests.support.in_process.police import FORCE_MAILBOX, Police, by_mail, police_of
from tests.support.in_process.register import erase, words_kept
from tests.support.tables import deliveries

LINK = re.compile(r"http://police(/notices/\S+)")
OFFICER = {"answer": "have-it", "name": "PC Adeyemi", "collar": "NP 4127"}


@pytest.fixture
async def police(database: Database, keyring: Keyring) -> AsyncIterator[Police]:
    async with police_of(database, keyring, by_mail) as running:
        yield running


async def mailed(police: Police, **about: Any) -> tuple[Any, str, str]:
    """The duty, the mail as it travelled, and the path behind its link."""
    told = await police.tell(**about)
    await police.floor.until(told.content.telling, "accepted")
    sending = next(each for each in police.relay.sent if each.id == told.content.telling)
    assert sending.recipient == FORCE_MAILBOX
    plain = message_from_string(sending.body, policy=default).get_body(("plain",))
    assert plain is not None
    found = LINK.search(plain.get_content())
    assert found is not None
    return told, sending.body, found[1]


async def test_a_mail_says_that_there_is_a_notice_and_names_nobody(police: Police) -> None:
    _, mail, _ = await mailed(police)
    assert "A child in care is missing" in mail
    assert "01632 960100" in mail
    assert [secret for secret in ("Diallo", "Amara", "Mill Lane", "2011") if secret in mail] == []


async def test_the_attempt_is_recorded_as_a_mail(police: Police) -> None:
    told, _, _ = await mailed(police)
    assert [each["medium"] for each in await police.floor.attempts(told.content.telling)] == ["email"]


async def test_each_attempt_is_the_same_mail(police: Police) -> None:
    told, mail, _ = await mailed(police)
    row = await police.floor.row(told.content.telling)
    assert mail.count(str(row["id"])) >= 1
    assert f"=_{row['id'].hex}" in mail


async def test_opening_the_link_shows_no_word_of_the_notice_and_acts_upon_nothing(police: Police) -> None:
    told, _, path = await mailed(police)
    page = await police.http.get(path)
    assert page.status_code == 200
    assert "A child in care is missing." in page.text
    assert "Diallo" not in page.text
    assert (await police.floor.row(told.content.telling))["state"] == "accepted"


async def test_an_officer_reads_the_notice_and_the_reading_is_recorded(police: Police, database: Database) -> None:
    told, _, path = await mailed(police)
    page = (await police.open_notice(path)).text
    assert [told for told in ("Amara C1 Diallo", "4 Mill Lane", "green coat") if told not in page] == []
    [looked_up] = [
        each
        for each in await police.said_since(told, ("register.looked-up",))
        if each["data"]["purpose"] == "notice-page"
    ]
    assert "child.name" in looked_up["data"]["fields"]
    assert "Diallo" not in str(looked_up)
    kept = await words_kept(database, police.keyring, [looked_up["data"]["officer"]])
    assert [each.text for each in kept] == ["PC Adeyemi, NP 4127"]


async def test_the_officers_answer_is_the_same_acknowledgement_as_by_api(police: Police, database: Database) -> None:
    told, _, path = await mailed(police)
    page = await police.http.post(path, data=OFFICER | {"reference": "NP-20261124-0042", "kind": "missing-person"})
    assert "It is recorded that you have it" in page.text
    said = await police.said_since(told, ("police.acknowledged", "police.reference", "duty.acknowledged"))
    assert [each["type"] for each in said] == [
        "police.acknowledged.v1",
        "police.reference-given.v1",
        "duty.acknowledged.v1",
    ]
    assert said[1]["data"]["reference_kind"] == "missing-person"
    assert said[2]["data"]["how"] == "page"
    assert said[2]["data"]["force"] == police.force
    kept = await words_kept(database, police.keyring, said[0]["data"]["words"])
    assert [each.text for each in kept] == ["PC Adeyemi, NP 4127"]


async def test_pressed_twice_it_is_acknowledged_once_and_a_reference_may_follow(police: Police) -> None:
    told, _, path = await mailed(police)
    first = await police.http.post(path, data=OFFICER)
    assert "It is recorded that you have it" in first.text
    second = await police.http.post(path, data=OFFICER | {"name": "PC Okafor", "collar": "NP 5120"})
    assert "It is recorded that you have it" not in second.text
    assert "Nothing new was recorded." in second.text
    await police.http.post(path, data={"answer": "have-it", "reference": "NP-7"})
    kinds = await police.floor.kinds_said(told.subject)
    assert kinds.count("police.acknowledged.v1") == 1
    assert kinds.count("police.reference-given.v1") == 1


async def test_who_has_it_is_asked_once_and_the_reference_still_can_be_added(police: Police) -> None:
    _, _, path = await mailed(police)
    asked = (await police.open_notice(path)).text
    assert 'name="collar"' in asked
    await police.http.post(path, data=OFFICER)
    again = (await police.http.post(path, data={"answer": "read"})).text
    assert 'name="collar"' not in again
    assert "somebody said on this page, with the notice open, that they have it." in again
    assert 'name="reference"' in again


@pytest.mark.parametrize("left_out", ["name", "collar"])
async def test_who_has_it_must_be_said(police: Police, left_out: str) -> None:
    told, _, path = await mailed(police)
    page = await police.http.post(path, data={k: v for k, v in OFFICER.items() if k != left_out})
    assert "NOT RECORDED YET" in page.text
    assert "is needed." in page.text
    assert "duty.acknowledged.v1" not in await police.floor.kinds_said(told.subject)


async def test_another_link_opens_nothing(police: Police) -> None:
    _, _, path = await mailed(police)
    altered = path[:-4] + ("AAAA" if not path.endswith("AAAA") else "BBBB")
    assert (await police.http.get(altered)).status_code == 404
    assert (await police.http.get(path.replace("/notices/", "/details/"))).status_code == 404


async def test_what_was_called_back_unread_is_over(police: Police) -> None:
    told, _, path = await mailed(police)
    async with police.floor.store.transaction() as uow:
        await uow.connection.execute(
            update(deliveries).where(deliveries.c.id == told.content.telling).values(state="withdrawn")
        )
    page = await police.http.post(path, data={"answer": "read"})
    assert "This is over" in page.text
    assert "Diallo" not in page.text


async def test_behind_the_link_of_an_erased_child_is_nothing_any_more(
    police: Police, database: Database, keyring: Keyring
) -> None:
    told, _, path = await mailed(police)
    await erase(database, keyring, told.subject)
    assert (await police.http.get(path)).status_code == 404
    assert (await police.http.post(path, data={"answer": "read"})).status_code == 404
