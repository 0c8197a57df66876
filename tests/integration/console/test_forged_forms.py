"""Forms of the console that no browser of a person sends: each is refused, with what is wrong with it, and does nothing."""

from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.console.read_model.projections import Handlers
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import FORM_FIELDS
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import new_id
from services.safeguarding.operators import OperatorRole
from tests.support.in_process.console import (
    account,
    browser_at,
    csrf_in,
    episode_changed,
    hear,
    heard,
    sign_in,
    somewhere,
)

CLOCKS = Clocks()


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_at(app, somewhere()) as browser:
        yield browser


WRONG = [
    ({f"f{each}": "1" for each in range(FORM_FIELDS)}, f"{FORM_FIELDS} fields at most"),
    ({"name": "a\x00b"}, "The field name holds"),
    ({"password": "a\x00b"}, "The field password holds"),
    ({"then": "/\x00"}, "The field then holds"),
    ({"a<b": "\x00"}, "The field a&lt;b holds"),
]


@pytest.mark.parametrize(("wrong", "says"), WRONG)
async def test_a_sign_in_that_cannot_be_taken_is_told_what_is_wrong(
    browser: httpx.AsyncClient, wrong: dict[str, str], says: str
) -> None:
    csrf = csrf_in(await browser.get("/sign-in"))
    answer = await browser.post("/sign-in", data={"csrf": csrf, "name": "a", "password": "x" * 20, "then": "/"} | wrong)
    assert (answer.status_code, says in answer.text) == (400, True)
    assert "Nothing was recorded." in answer.text


@pytest.mark.parametrize("path", ["/exercise", "/sign-out"])
async def test_of_whoever_is_signed_in_it_is_told_too(opened: Store, browser: httpx.AsyncClient, path: str) -> None:
    await sign_in(browser, await account(opened))
    csrf = csrf_in(await browser.get("/exercise"))
    for wrong, says in ((WRONG[0]), ({"reason": "a\x00b"}, "The field reason holds")):
        answer = await browser.post(path, data={"csrf": csrf, "act": str(uuid4())} | wrong)
        assert (answer.status_code, says in answer.text) == (400, True)


async def test_an_act_that_cannot_be_kept_is_none(opened: Store, browser: httpx.AsyncClient) -> None:
    episode = uuid4()
    await hear(opened, Handlers(CLOCKS), heard(episode_changed(episode), new_id("child")))
    await sign_in(browser, await account(opened))
    path = f"/episodes/{episode}/acts/returned"
    csrf = csrf_in(await browser.get(path))
    answer = await browser.post(path, data={"csrf": csrf, "act": str(uuid4()), "said_by": "a\x00b"})
    assert (answer.status_code, "The field said_by holds" in answer.text) == (400, True)


async def test_a_child_of_no_possible_name_is_nobody_s_to_follow(opened: Store, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, await account(opened, OperatorRole.SOCIAL_WORKER, authority="kestrel"))
    for path in ("/changes?child=", "/photographs/"):
        answer = await browser.get(f"{path}{quote(chr(0))}")
        assert (answer.status_code, "The field child holds" in answer.text) == (400, True)
