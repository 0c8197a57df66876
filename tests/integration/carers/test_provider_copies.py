"""What Twilio keeps of deleted rows is deleted there, with the pictures, however long it takes to answer."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from infra.sandbox.texts import Text
from services.carers import metrics
from services.carers.provider_copies import ProviderCopies
from services.platform.delivery.channels.sms import TwilioWay
from services.platform.delivery.channels.text_ways import Texts
from services.platform.store.query import Query
from services.platform.store.unit_of_work import Origin, Store
from tests.support.engines.database import Database
from tests.support.in_process.disposal import Later
from tests.support.outside.sandbox import ACCOUNT_SID, AUTH_TOKEN, CARER, OWN_NUMBER, Outside, play_outside_world

LISTED = Query("SELECT sid FROM disposal.provider_copies", {}, lambda rows: {row.sid for row in rows})


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with play_outside_world() as played:
        yield played


async def test_texts_go_with_their_pictures_and_what_cannot_go_yet_is_tried_again(
    database: Database, outside: Outside
) -> None:
    texts = [Text(CARER, OWN_NUMBER, "MISSING", "inbound", status) for status in ("received", "received", "queued")]
    texts[1].pictures = [f"ME{uuid4().hex}" for _ in range(2)]
    gone_there = f"SM{uuid4().hex}"
    for each in texts:
        outside.world.network.texts.add(each)
    twilio = {"account_sid": ACCOUNT_SID, "number": OWN_NUMBER, "public_url": ""}
    medium = Texts(TwilioWay(**twilio, tokens=lambda: (AUTH_TOKEN,), base_url=outside.url))
    store = Store(database.engine("carers"), origin=Origin("carers", Later(0)))
    await medium.start()
    async with store.transaction() as uow:
        for sid in (gone_there, *(each.sid for each in texts)):
            uow.write("INSERT INTO disposal.provider_copies (sid) VALUES (%(sid)s)", {"sid": sid})

    async def turn(days: float) -> tuple[set[str], set[str]]:
        """What is listed then, and what Twilio still has."""
        await ProviderCopies(store, Later(days), medium).turn()
        async with store.read() as reader:
            listed = await reader.fetch(LISTED)
        return listed, {each.sid for each in texts if outside.world.network.texts.get(each.sid)}

    try:
        for hours in range(24):
            assert metrics.COPIES_REFUSED._value.get() == 0
            assert await turn(0.001 + hours / 23.9) == ({texts[2].sid}, {texts[2].sid})
        assert metrics.COPIES_REFUSED._value.get() == 1
        assert texts[1].pictures == []
        texts[2].becomes("received")
        assert await turn(0.002 + 23 / 23.9) == ({texts[2].sid}, {texts[2].sid}), "not before an hour has passed"
        assert await turn(2) == (set(), set())
        assert metrics.COPIES_REFUSED._value.get() == 0
    finally:
        await medium.stop()
        await store.close()
