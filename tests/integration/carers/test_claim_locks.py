"""Two carers of one child whose claims wait for their codes: whoever changes claims locks those of the child in one
order, and holds none while waiting for another.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest

from services.carers.store import claims
from services.platform.store.query import Query, scalar
from tests.integration.carers.test_confirmation import claimed
from tests.support.in_process.carers import Carers, Kestrel, now
from tests.support.in_process.delivery import WAITS

LOCKED = "SELECT true FROM claims WHERE number_hash = %(number)s AND subject = %(child)s FOR UPDATE NOWAIT"
Act: TypeAlias = Callable[[Carers, str, str], Coroutine[Any, Any, Any]]


async def one_says_still_missing(service: Carers, phone: str, _: str) -> None:
    await service.says(phone, "C1 is still missing")


async def somebody_without_a_claim_says_it(service: Carers, _: str, child: str) -> None:
    async with service.store.transaction() as uow:
        claims.end_all(uow, child, now())


async def one_is_asked_once_more(service: Carers, phone: str, child: str) -> None:
    async with service.store.transaction() as uow:
        assert await claims.prolong(uow, service.keyring.number_hashes(phone), child, now())


@pytest.mark.parametrize(
    "act",
    [one_says_still_missing, somebody_without_a_claim_says_it, one_is_asked_once_more],
    ids=lambda act: act.__name__,
)
async def test_claims_of_a_child_are_locked_in_one_order(service: Carers, kestrel: Kestrel, act: Act) -> None:
    child, phones = kestrel.ids["C1"], [kestrel.phone(each) for each in ("ash", "bea")]
    low, high = sorted(phones, key=service.keyring.number_hash)
    await service.says(low, "C1 missing")
    for phone in (high, low):
        await claimed(service, phone, "C1 is back")
    async with service.store.transaction() as uow:
        first, last = ({"number": service.keyring.number_hash(each), "child": child} for each in (low, high))
        assert await uow.fetch(Query(LOCKED, first, scalar))
        acts = asyncio.create_task(act(service, high, child))
        async with asyncio.timeout(60):
            while not await uow.fetch(Query(WAITS, {}, scalar)):
                assert not acts.done(), "it needed no lock"
                await asyncio.sleep(0.01)
        assert await uow.fetch(Query(LOCKED, last, scalar))
    await acts
