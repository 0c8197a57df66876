"""Whose duty team reads texts of numbers that nobody knows, where no authority was named for it. Asked of all authorities, so no other test of this module may leave one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.platform.register import conversation
from services.platform.store.encryption import Keyring
from services.platform.store.query import Reader
from tests.support.engines.database import Database
from tests.support.in_process.register import authority, load

LINE = "+441632960111"


@pytest.fixture
async def engines(database: Database) -> AsyncIterator[tuple[AsyncEngine, AsyncEngine]]:
    casework, carers = database.engine("casework"), database.engine("carers")
    yield casework, carers
    await casework.dispose()
    await carers.dispose()


async def test_an_exercise_authority_takes_no_stranger_s_text_from_a_real_one(
    engines: tuple[AsyncEngine, AsyncEngine], keyring: Keyring
) -> None:
    casework, carers = engines
    await load(casework, keyring, authority("exercise-north"), datetime.now(UTC))
    async with carers.connect() as connection:
        assert await first_authority(connection) == "exercise-north", "there is no other"
    real = authority("kestrel")
    real["authority"]["duty_line"] = LINE
    await load(casework, keyring, real, datetime.now(UTC))
    async with carers.connect() as connection:
        assert await first_authority(connection) == "kestrel"
        own, only = await Reader(connection).fetch(
            conversation.only_team("exercise-north"), conversation.only_team(None)
        )
        assert only is not None
        assert own is not None
        assert only.line == LINE, "the only one that a card can mean"
        assert own.line == "+441632960100"
    await load(casework, keyring, authority("exercised"), datetime.now(UTC))
    async with carers.connect() as connection:
        assert await first_authority(connection) == "exercised", "a name that only begins alike is real"


async def first_authority(connection: AsyncConnection) -> str:
    team = await Reader(connection).fetch(conversation.duty_team(None))
    assert team is not None
    return team.authority
