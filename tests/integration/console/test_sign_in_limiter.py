"""A flood of sign-ins under invented names: what is looked at stays little, the rest is asked to come again, and others get in."""

import asyncio
import threading
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from fastapi import FastAPI

from services.console import metrics
from services.options.own_accounts import proofs
from services.options.own_accounts.proofs import FAILURES_OF_ONE_PLACE, MOST, MOST_FROM_ONE_PLACE
from services.platform.store.unit_of_work import Store
from tests.support.in_process.console import account, browser_at, csrf_in, sign_in, somewhere


class HeldChecks:
    """Every password is wrong, and none is decided on before `go`."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.go = threading.Event()

    def fits(self, _password: str, _seal: str) -> bool:
        self.looked_at += 1
        return not self.go.wait(90)


def counted(result: str) -> float:
    return float(metrics.SIGN_INS.labels(result)._value.get())


async def test_of_many_at_once_the_rest_is_asked_to_come_again(
    app: FastAPI, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, held, before = await account(opened), HeldChecks(), counted("crowded")
    checks = proofs._verify
    monkeypatch.setattr(proofs, "_checking", asyncio.Semaphore(proofs.CHECKS_AT_ONCE))  # of this test's loop
    async with AsyncExitStack() as inside:
        guesser = await inside.enter_async_context(browser_at(app, somewhere()))
        csrf = csrf_in(await guesser.get("/sign-in"))
        form = {"csrf": csrf, "then": "/", "password": "x" * 20}
        monkeypatch.setattr(proofs, "_verify", held.fits)
        tried = [
            asyncio.create_task(guesser.post("/sign-in", data=form | {"name": f"{uuid4()}@invented.example"}))
            for _ in range(2 * MOST)
        ]
        first = asyncio.as_completed(tried, timeout=90)
        refused = [await next(first) for _ in range(2 * MOST - MOST_FROM_ONE_PLACE)]
        assert {(each.status_code, each.headers["retry-after"]) for each in refused} == {(429, "5")}
        assert "Try again in a few seconds" in refused[0].text
        assert held.looked_at <= proofs.CHECKS_AT_ONCE
        elsewhere = await inside.enter_async_context(browser_at(app, somewhere()))
        known = asyncio.create_task(sign_in(elsewhere, name))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(proofs, "_verify", checks)
        held.go.set()
        assert (await known).status_code == 303
        answers = [(await each).status_code for each in tried]
    assert answers.count(403) == MOST_FROM_ONE_PLACE
    assert counted("crowded") - before == 2 * MOST - MOST_FROM_ONE_PLACE


async def test_one_place_that_tries_name_after_name_is_held_back_alone(
    app: FastAPI, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, looked_at, before = await account(opened), 0, counted("held-back")
    real = proofs._verify

    def fits(password: str, seal: str) -> bool:
        nonlocal looked_at
        looked_at += 1
        return seal != proofs.DUMMY_HASH and real(password, seal)

    monkeypatch.setattr(proofs, "_verify", fits)
    here = somewhere()
    async with browser_at(app, here) as guesser, browser_at(app, somewhere()) as elsewhere:
        for _ in range(FAILURES_OF_ONE_PLACE):
            assert (await sign_in(guesser, f"{uuid4()}@invented.example")).status_code == 403
        refused = await sign_in(guesser, f"{uuid4()}@invented.example")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "900")
        assert looked_at == FAILURES_OF_ONE_PLACE
        assert counted("held-back") == before + 1
        assert (await sign_in(elsewhere, name)).status_code == 303
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
            assert (await sign_in(guesser, name)).status_code == 303


async def test_who_signs_in_rightly_never_counts_against_their_place(app: FastAPI, opened: Store) -> None:
    name, here = await account(opened), somewhere()
    for _ in range(3):
        async with browser_at(app, here) as browser:
            assert (await sign_in(browser, name)).status_code == 303
    async with opened.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT count(*) FROM console.failed_sign_ins WHERE place LIKE %(place)s", {"place": here[:14] + "%"}
        )
        assert found.scalar_one() == 0
