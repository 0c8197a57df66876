"""We ask once whether a child is missing; of a carer who stays silent somebody is asked to ring."""

from datetime import timedelta

from sqlalchemy import text

from services.carers.conversation.silence import RUNG_AFTER, SilenceTimeout
from services.platform.runtime.clocks import Clocks
from services.safeguarding.child_events.events import TextNeedsHuman
from tests.support.in_process.carers import Carers, Kestrel, kinds


async def reasons_after(service: Carers, position: int) -> list[str]:
    said = [each.content for each in await service.said_after(position)]
    return [each.reason for each in said if isinstance(each, TextNeedsHuman)]


async def wait(service: Carers, by: timedelta) -> None:
    """As if it had been asked so much earlier."""
    async with service.store.engine.begin() as connection:
        await connection.execute(text("UPDATE questions SET asked_at = asked_at - :b"), {"b": by})


async def test_after_three_silent_minutes_somebody_is_asked_to_ring_and_only_once(
    service: Carers, kestrel: Kestrel
) -> None:
    phone, silence = kestrel.phone("cat"), SilenceTimeout(service.store, Clocks())
    assert kinds(await service.says(phone, "asdf qwer")) == ["text.needs-human.v1"]
    assert "Is a child missing? Text MISSING or NO" in (await service.replies_to(phone))[-1]
    before = await service.last_position()
    assert not await silence.turn()
    assert await reasons_after(service, before) == []
    await wait(service, RUNG_AFTER)
    assert await silence.turn()
    assert not await silence.turn()
    assert await reasons_after(service, before) == ["still-unclear"]


async def test_whoever_says_no_or_yes_is_not_rung_and_yes_is_a_report(service: Carers, kestrel: Kestrel) -> None:
    silence = SilenceTimeout(service.store, Clocks())
    for person, words, said in (
        ("cat", "no", []),
        ("ash", "yes", ["child.provisional.v1", "child.reported-missing.v1"]),
    ):
        phone = kestrel.phone(person)
        await service.says(phone, "asdf qwer")
        assert sorted(kinds(await service.says(phone, words))) == said
        await wait(service, RUNG_AFTER)
        before = await service.last_position()
        while await silence.turn():
            pass
        assert await reasons_after(service, before) == []


async def test_a_second_text_that_nobody_understands_has_somebody_ring_and_asks_nothing_again(
    service: Carers, kestrel: Kestrel
) -> None:
    phone, before = kestrel.phone("cat"), await service.last_position()
    for words in ("asdf qwer", "zxcv uiop", "hjkl"):
        await service.says(phone, words)
    assert await reasons_after(service, before) == ["not-understood", "still-unclear", "not-understood"]
    assert sum("Is a child missing?" in each for each in await service.replies_to(phone)) == 1
