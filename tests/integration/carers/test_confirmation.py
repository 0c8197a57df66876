"""The handshake that ends a search, on a real PostgreSQL: what is claimed, which code counts, for how long and from which phone."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.carers.conversation.effects import DecisionApplier
from services.carers.handlers import Alerts
from services.carers.store.claims import CONFIRM_WITHIN
from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.messages.envelope import Received
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.safeguarding.child_events import events
from services.safeguarding.roles import Role, Wording
from tests.integration.carers.test_alerts import AT, alert
from tests.support.engines.round_trips import round_trips
from tests.support.in_process.carers import Carers, Kestrel, kinds
from tests.support.in_process.register import fresh_number
from tests.support.outside.confirmation import CONFIRM


async def claimed(service: Carers, phone: str, words: str = "BACK") -> str:
    """What the reply asks for."""
    await service.says(phone, words)
    found = CONFIRM.search((await service.replies_to(phone))[-1])
    assert found is not None
    return found[0]


async def later(service: Carers, by: timedelta) -> None:
    """As if the claims had been made so much earlier."""
    async with service.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE claims SET claimed_at = claimed_at - :b, expires_at = expires_at - :b"), {"b": by}
        )


@pytest.mark.parametrize(
    ("words", "claim", "end"),
    [
        ("BACK", "child.return-claimed.v1", "child.returned.v1"),
        ("he's home", "child.return-claimed.v1", "child.returned.v1"),
        ("false alarm", "missing.retraction-claimed.v1", "report.retracted.v1"),
        ("mae hi adref nawr", "child.return-claimed.v1", "child.returned.v1"),
    ],
)
async def test_until_the_code_comes_back_nothing_has_ended(
    service: Carers, kestrel: Kestrel, words: str, claim: str, end: str
) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "MISSING")
    assert kinds(await service.says(phone, words)) == [claim]
    [ended] = await service.confirms(phone)
    assert (ended.content.kind, getattr(ended.content, "proof", None)) == (end, "handset")


async def test_the_code_counts_once(service: Carers, kestrel: Kestrel) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "MISSING")
    asked = await claimed(service, phone)
    assert kinds(await service.says(phone, asked)) == ["child.returned.v1"]
    assert kinds(await service.says(phone, asked)) == []
    assert "already recorded" in (await service.replies_to(phone))[-1]


async def test_after_ten_minutes_the_code_ends_nothing_a_person_hears_of_it_and_a_new_one_comes(
    service: Carers, kestrel: Kestrel
) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "MISSING")
    asked = await claimed(service, phone)
    await later(service, CONFIRM_WITHIN)
    assert kinds(await service.says(phone, asked)) == ["child.return-claimed.v1", "text.needs-human.v1"]
    [returned] = await service.confirms(phone)
    assert isinstance(returned.content, events.ChildReturned)


async def test_a_code_from_another_phone_ends_nothing(service: Carers, kestrel: Kestrel) -> None:
    ash, bea = kestrel.phone("ash"), kestrel.phone("bea")
    await service.says(ash, "C1 missing")
    asked = await claimed(service, ash, "C1 is back")
    for phone in (bea, fresh_number()):
        said = kinds(await service.says(phone, asked))
        assert "child.returned.v1" not in said
        assert said, "it reaches a case or a person all the same"


async def test_a_spoofed_number_never_sees_the_code_and_five_guesses_make_it_worthless(
    service: Carers, kestrel: Kestrel
) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "MISSING")
    asked = await claimed(service, phone)
    guesses = [f"BACK {letter}2{letter}3" for letter in "WXZVT"]
    for guess in guesses:
        assert kinds(await service.says(phone, guess)) == ["text.needs-human.v1"]
    assert kinds(await service.says(phone, asked)) == ["text.needs-human.v1"]
    await later(service, timedelta(hours=1))
    assert "child.returned.v1" not in kinds(await service.says(phone, asked))
    [returned] = await service.confirms(phone)
    assert isinstance(returned.content, events.ChildReturned)


async def test_who_says_missing_after_back_makes_the_code_worthless_whoever_of_the_carers_it_is(
    service: Carers, kestrel: Kestrel
) -> None:
    ash, bea = kestrel.phone("ash"), kestrel.phone("bea")
    await service.says(ash, "C1 missing")
    asked = await claimed(service, ash, "C1 is back")
    await service.says(bea, "C1 is still missing")
    assert "child.returned.v1" not in kinds(await service.says(ash, asked))
    assert "Somebody had said BACK for C1: that no longer counts." in (await service.replies_to(bea))[-1]
    await service.says(bea, "C1 is still missing")
    assert "BACK for" not in (await service.replies_to(bea))[-1]


async def test_who_takes_their_own_return_back_is_told_of_nobody_else(service: Carers, kestrel: Kestrel) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "MISSING")
    await claimed(service, phone)
    await service.says(phone, "still missing")
    assert "BACK for" not in (await service.replies_to(phone))[-1]


async def test_two_children_named_together_have_one_code_and_two_not_named_one_each(
    service: Carers, kestrel: Kestrel
) -> None:
    phone = kestrel.phone("ash")
    await service.says(phone, "both missing")
    assert kinds(await service.says(phone, "C1 and C2 are back")) == ["child.return-claimed.v1"] * 2
    assert {each.subject for each in await service.confirms(phone)} == {kestrel.ids["C1"], kestrel.ids["C2"]}
    await service.says(phone, "both missing")
    assert kinds(await service.says(phone, "BACK")) == ["text.needs-human.v1"]
    first, second = CONFIRM.findall((await service.replies_to(phone))[-1])
    [one] = await service.says(phone, first)
    [other] = await service.says(phone, second)
    assert [(each.content.kind, each.subject) for each in (one, other)] == [
        ("child.returned.v1", kestrel.ids["C1"]),
        ("child.returned.v1", kestrel.ids["C2"]),
    ]


async def test_the_carer_is_asked_once_more_with_the_code_that_counts_ten_minutes_from_then(
    service: Carers, kestrel: Kestrel, keyring: Keyring
) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "MISSING")
    asked = await claimed(service, phone)
    await later(service, CONFIRM_WITHIN)
    body = await asked_once_more(service, kestrel, keyring)
    assert asked in body
    assert not re.search(r"\([2-9BCDFGHJKMNPQRSTVWXZ]{5}\)$", body), "a second code would be mistaken for it"
    [returned] = await service.says(phone, asked)
    assert isinstance(returned.content, events.ChildReturned)


async def test_where_nothing_is_left_to_confirm_the_carer_is_asked_to_text_back_anew(
    service: Carers, kestrel: Kestrel, keyring: Keyring
) -> None:
    assert "Text BACK" in await asked_once_more(service, kestrel, keyring)


async def test_a_text_that_is_read_twice_texts_one_code(
    service: Carers, kestrel: Kestrel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies before its commit has texted nothing; one that dies after it has kept what it texted."""
    phone = kestrel.phone("cat")
    await service.says(phone, "MISSING")
    apply = DecisionApplier.apply

    async def dies(*of: Any) -> bool:
        await apply(*of)
        raise asyncio.CancelledError

    await service.text(phone, "BACK")
    monkeypatch.setattr(DecisionApplier, "apply", dies)
    with pytest.raises(asyncio.CancelledError):
        await service.worker._turn()
    monkeypatch.undo()
    before = len(await service.replies_to(phone))
    await service.work()
    assert len(await service.replies_to(phone)) == before + 1
    [returned] = await service.confirms(phone)
    assert isinstance(returned.content, events.ChildReturned)


async def test_the_handshake_costs_no_round_trip_more_than_any_text(service: Carers, kestrel: Kestrel) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "MISSING")
    for words in ("BACK", None):
        asked = CONFIRM.search((await service.replies_to(phone))[-1])
        await service.text(phone, words or (asked[0] if asked else ""))
        with round_trips(service.store.engine) as trips:
            assert await service.worker._read_next() is not None
            assert trips.count <= 5, trips.statements


async def test_a_code_is_found_under_a_number_s_newest_key(service: Carers, kestrel: Kestrel) -> None:
    phone = kestrel.phone("cat")
    await service.says(phone, "MISSING")
    asked = await claimed(service, phone)
    async with service.store.engine.connect() as connection:
        held = (
            await connection.execute(
                text("SELECT number_hash FROM claims WHERE subject = :c"), {"c": kestrel.ids["C9"]}
            )
        ).all()
    assert {bytes(row[0]) for row in held} == {service.keyring.number_hash(phone)}
    assert kinds(await service.says(phone, asked)) == ["child.returned.v1"]


async def asked_once_more(service: Carers, kestrel: Kestrel, keyring: Keyring) -> str:
    """What the carer is texted when nobody has confirmed for ten minutes."""
    duty = alert(kestrel, role=Role.CARER_REPORTING, person=kestrel.ids["cat"], wording=Wording("confirm-return"))
    received = Received("/safe-return/protocol", str(uuid4()), kestrel.ids["C9"], AT, duty)
    delivery = Delivery.of(received, lane="texts", now=AT, person=kestrel.ids["cat"], id=duty.telling)
    async with service.store.transaction() as uow:
        made = await Alerts(keyring, Clocks()).prepare(uow, delivery)
    assert isinstance(made, PreparedMessage)
    return str(made.body)
