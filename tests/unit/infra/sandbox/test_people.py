"""Staff whose phones answer by themselves."""

import asyncio

import pytest

from infra.sandbox import people
from tests.support.outside.sandbox import CARER, STAFF, Outside, eventually


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "SECONDS_TO_ANSWER", 0.05)


def bodies_from(outside: Outside, number: str) -> list[str]:
    return [text.body for _, text in outside.world.network.texts.since(0, number) if text.direction == "inbound"]


def text_to(outside: Outside, number: str, body: str) -> None:
    outside.world.network.send(number, body, None, 36_000)


async def test_staff_answer_the_code_that_they_were_sent(outside: Outside) -> None:
    text_to(outside, STAFF, "Safe Return: please open the console. Have it? Reply OK C17 4BCDF")
    await eventually(lambda: bodies_from(outside, STAFF) == ["OK C17 4BCDF"])


@pytest.mark.parametrize(
    "body", ["To acknowledge reply OK 4ACDF", "OK C", "OK 4BCD", "BOOK 4BCDF", "ok 4bcdf", "Thank you."]
)
async def test_staff_answer_nothing_that_is_not_a_code(outside: Outside, body: str) -> None:
    text_to(outside, STAFF, body)
    await asyncio.sleep(0.4)
    assert bodies_from(outside, STAFF) == []


async def test_staff_told_not_to_answer_do_not_and_those_told_again_do(outside: Outside) -> None:
    await outside.scripts.put(f"/phones/{STAFF}", json={"answers": False})
    text_to(outside, STAFF, "reply OK 4BCDF")
    await asyncio.sleep(0.4)
    assert bodies_from(outside, STAFF) == []
    await outside.scripts.put(f"/phones/{STAFF}", json={"answers": True})
    text_to(outside, STAFF, "reply OK 5BCDF")
    await eventually(lambda: bodies_from(outside, STAFF) == ["OK 5BCDF"])


async def test_staff_told_not_to_answer_while_they_are_typing_send_nothing(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "SECONDS_TO_ANSWER", 1.5)
    text_to(outside, STAFF, "reply OK 4BCDF")
    await eventually(lambda: outside.world.network.texts.since(0)[0][1].status == "delivered")
    await outside.scripts.put(f"/phones/{STAFF}", json={"answers": False})
    await asyncio.sleep(1.9)
    assert bodies_from(outside, STAFF) == []


async def test_carers_never_answer_by_themselves(outside: Outside) -> None:
    await outside.scripts.put(f"/phones/{CARER}", json={"answers": True})
    text_to(outside, CARER, "reply OK 4BCDF")
    await asyncio.sleep(0.4)
    assert bodies_from(outside, CARER) == []


async def test_nobody_answers_a_text_that_never_arrived(outside: Outside) -> None:
    await outside.behave("phone-network", delivery="undelivered")
    text_to(outside, STAFF, "reply OK 4BCDF")
    await asyncio.sleep(0.4)
    assert bodies_from(outside, STAFF) == []


async def test_the_phones_are_listed_with_their_people(outside: Outside) -> None:
    phones = await outside.get("/phones")
    assert [(phone["number"], phone["role"], phone["answers"]) for phone in phones] == [
        (CARER, "carer", False),
        (STAFF, "staff", True),
    ]
