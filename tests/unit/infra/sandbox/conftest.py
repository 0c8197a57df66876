"""One outside world a test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.outside.sandbox import Outside, play_outside_world


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with play_outside_world() as playing:
        yield playing
