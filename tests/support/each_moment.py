"""Takes a pure test to each awkward moment. House tests ask it of every pure test that reads the machine's clock."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from tests.moments.drawing import MOMENTS, next_of


@pytest.fixture(params=MOMENTS)
def each_moment(request: pytest.FixtureRequest) -> Iterator[None]:
    with time_machine.travel(next_of(request.param, datetime.now(UTC))):
        yield
