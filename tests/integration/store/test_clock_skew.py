"""How far a process's clock and the database's are apart."""

from datetime import timedelta

import pytest

from services.platform.store.story_time import story_clock
from services.platform.store.unit_of_work import Store
from tests.support.engines.database import Database
from tests.support.wrong_clocks import WrongClocks


@pytest.mark.parametrize("seconds", [0, 3600, -3600])
async def test_it_is_measured_whichever_is_ahead(database: Database, seconds: int) -> None:
    store = Store(database.engine("clock"))
    following = story_clock.follow_offset(store, WrongClocks(timedelta(seconds=seconds)))
    await following._turn()
    await store.close()
    [measured] = [sample.value for metric in story_clock.SKEW.collect() for sample in metric.samples]
    assert measured == pytest.approx(abs(seconds), abs=60)
    assert seconds or measured == 0
