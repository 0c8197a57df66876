"""The directory page and exercises, with a register and what the bus has told of its people. On a real PostgreSQL."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from services.console.read_model.projections import Handlers
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.platform.messages.envelope import read
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.engine import Channels
from services.platform.store.unit_of_work import Store
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.duties import DutyAcknowledged, DutyDelivered, DutyFailed
from services.safeguarding.identifiers import in_words, new_id
from services.safeguarding.operators import AccessRecorded, OperatorActed, OperatorRole
from tests.support.engines.database import Database
from tests.support.in_process.console import GUESTS, account, csrf_in, hear, heard, landing, settings_of, sign_in
from tests.support.in_process.register import authority, load, number_of

CLOCKS = Clocks()
HANDLERS = Handlers(CLOCKS)


@pytest.fixture
async def browser(database: Database, opened: Store) -> AsyncIterator[httpx.AsyncClient]:
    changes = Changes(Channels(), CLOCKS)
    app = pages(opened, CLOCKS, changes, settings_of(database), GUESTS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as browser:
        yield browser


@pytest.fixture
async def register(database: Database, keyring: Keyring) -> tuple[dict[str, object], dict[str, str]]:
    """An authority's document, and the ids that its people have."""
    document = authority()
    engine = database.engine("casework")
    ids = await load(engine, keyring, document, CLOCKS.wall())
    await engine.dispose()
    return document, ids


def outcome(person: str, **about: object) -> dict[str, object]:
    return {"duty": uuid4(), "step": 0, "authority": "kestrel", "person": person} | about


async def test_the_directory_shows_who_is_on_duty_and_how_reliable_their_contact_is(
    opened: Store, browser: httpx.AsyncClient, register: tuple[dict[str, object], dict[str, str]]
) -> None:
    document, ids = register
    name = str(document["authority"]["id"])  # type: ignore[index]
    await hear(
        opened,
        HANDLERS,
        heard(DutyDelivered.model_validate(outcome(ids["night"])), new_id("child"), at=CLOCKS.story()),
        heard(
            DutyFailed.model_validate(outcome(ids["boss"], reason="undeliverable")), new_id("child"), at=CLOCKS.story()
        ),
        heard(DutyFailed.model_validate(outcome(ids["night"], reason="declined")), new_id("child"), at=CLOCKS.story()),
    )
    await sign_in(browser, await account(opened, OperatorRole.OPERATOR, authority=name))
    page = (await browser.get("/directory")).text
    assert "Night Example" in page
    assert "reached" in page
    assert "it cannot be delivered" in page
    assert "Not reached yet" in page
    assert f"{in_words(name)}: nobody is on duty now as head of service." in page
    assert "01632 960101" in page
    assert "127.0.0.1:1" in page
    assert "Amara" not in page
    assert number_of(document, "night") not in page
    assert "night@kestrel.example" not in page


@pytest.mark.parametrize("declines", [False, True])
async def test_an_answer_heals_what_had_failed_and_older_news_changes_nothing(
    opened: Store, browser: httpx.AsyncClient, register: tuple[dict[str, object], dict[str, str]], *, declines: bool
) -> None:
    document, ids = register
    now, child = CLOCKS.story(), new_id("child")
    failed = DutyFailed.model_validate(outcome(ids["boss"], reason="gone"))
    answered = DutyAcknowledged.model_validate(
        {"duty": uuid4(), "step": 0, "authority": "kestrel", "by": ids["boss"], "how": "text"}
    )
    declined = DutyFailed.model_validate(outcome(ids["boss"], reason="declined"))
    answer = heard(declined if declines else answered, child, at=now)
    await hear(opened, HANDLERS, answer, heard(failed, child, at=now.replace(year=2025)))
    await sign_in(browser, await account(opened, authority=str(document["authority"]["id"])))  # type: ignore[index]
    assert "The last message did not arrive" not in (await browser.get("/directory")).text


async def test_somebody_of_one_authority_sees_no_other_authoritys_staff(
    opened: Store, browser: httpx.AsyncClient, register: tuple[dict[str, object], dict[str, str]]
) -> None:
    await sign_in(browser, await account(opened, authority="lapwing"))
    assert "Night Example" not in (await browser.get("/directory")).text


async def test_an_exercise_is_a_report_about_nobody_marked_as_one(
    opened: Store, browser: httpx.AsyncClient, register: tuple[dict[str, object], dict[str, str]]
) -> None:
    document, _ = register
    name = str(document["authority"]["id"])  # type: ignore[index]
    await sign_in(browser, await account(opened, authority=name))
    page = await browser.get("/exercise")
    act = page.text.split('name="act" value="')[1].split('"')[0]
    form = {"csrf": csrf_in(page), "act": act, "area": f"{name} {name}-police", "reason": "Night team practises"}
    assert (await browser.post("/exercise", data=form | {"area": "lapwing southvale-police"})).status_code == 422
    for _ in range(2):
        answer = await browser.post("/exercise", data=form)
        assert (answer.status_code, landing(answer)) == (303, "/exercise?done=exercise-started")
    async with opened.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT envelope FROM console.outbox WHERE convert_from(envelope, 'UTF8') LIKE :name ORDER BY position"
            ),
            {"name": f'%"{name}"%'},
        )
        said = [read(bytes(row.envelope)) for row in rows]
        report, acted = [each for each in said if each.content.kind != AccessRecorded.kind]
    assert isinstance(report.content, ChildReportedMissing)
    assert isinstance(acted.content, OperatorActed)
    assert (report.exercise, acted.exercise) == (True, True)
    assert report.subject.startswith("provisional-")
    assert (report.content.candidates, report.content.said_by) == ((), None)
    assert report.content.placement is not None


@pytest.mark.parametrize("role", [OperatorRole.AUDITOR, OperatorRole.SOCIAL_WORKER])
async def test_who_may_not_exercise_is_not_offered_it(
    opened: Store, browser: httpx.AsyncClient, role: OperatorRole
) -> None:
    await sign_in(browser, await account(opened, role))
    page = await browser.get("/exercise")
    assert "Start the exercise" not in page.text
    refused = await browser.post("/exercise", data={"csrf": csrf_in(page), "area": "x y", "reason": "x"})
    assert refused.status_code == 403
