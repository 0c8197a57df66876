"""What the tests of casework ask for."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.engines.database import Database


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """With casework's login."""
    opened = database.engine("casework")
    yield opened
    await opened.dispose()
