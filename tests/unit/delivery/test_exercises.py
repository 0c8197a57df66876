"""An exercise reaches nobody real."""

from typing import Any
from uuid import uuid4

import pytest

from services.delivery.exercises import kept_in_the_sandbox
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.runtime.clocks import Clocks
from services.safeguarding.identifiers import new_id

SOMEBODY = Fixed("+447700900111", "A text.")
NO_TRANSACTION: Any = None


async def prepare(_transaction: Any, _parcel: Parcel) -> Fixed | Undeliverable:
    return SOMEBODY


@pytest.mark.parametrize(
    ("exercise", "sandbox", "comes_to"),
    [
        (True, False, Undeliverable("exercise")),
        (True, True, SOMEBODY),
        (False, False, SOMEBODY),
        (False, True, SOMEBODY),
    ],
)
async def test_it_is_sent_only_where_the_recipients_are_played(exercise: bool, sandbox: bool, comes_to: Any) -> None:
    parcel = Parcel(uuid4(), "texts", new_id("child"), Clocks().wall(), exercise=exercise)
    assert await kept_in_the_sandbox(prepare, sandbox=sandbox)(NO_TRANSACTION, parcel) == comes_to
