"""An exercise reaches nobody real."""

from typing import Any, cast

import pytest

from services.carers.settings import CarersSettings
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.sending.attempt import block_real_recipients
from services.platform.delivery.settings.correspondence import CorrespondenceSettings
from services.platform.delivery.settings.keys import KeySettings
from services.platform.delivery.settings.mail import MailSettings
from services.platform.runtime.clocks import Clocks
from tests.support.in_process.delivery import received

SOMEBODY = PreparedMessage("+447700900111", "A text.")
KEPT = Undeliverable("exercise")
NO_TRANSACTION: Any = None
OURS = "exercise-north"


async def prepare(_transaction: Any, _parcel: Delivery) -> PreparedMessage | Undeliverable:
    return SOMEBODY


def parcel_of(authority: str, *, exercise: bool = True) -> Delivery:
    return Delivery.of(received(authority=authority, exercise=exercise), lane="texts", now=Clocks().wall())


@pytest.mark.parametrize(
    ("exercise", "sandbox", "comes_to"),
    [(True, False, KEPT), (True, True, SOMEBODY), (False, False, SOMEBODY), (False, True, SOMEBODY)],
)
async def test_it_is_sent_only_where_the_recipients_are_played(exercise: bool, sandbox: bool, comes_to: Any) -> None:
    kept = block_real_recipients(prepare, sandbox=sandbox, exercise_authority="")
    assert await kept(NO_TRANSACTION, parcel_of("kestrel", exercise=exercise)) == comes_to


@pytest.mark.parametrize("service", [CarersSettings, CorrespondenceSettings, MailSettings])
@pytest.mark.parametrize(
    ("authority", "configured", "comes_to"),
    [
        (OURS, OURS, SOMEBODY),
        ("kestrel", OURS, KEPT),
        ("exercise-south", OURS, KEPT),
        (OURS, "", KEPT),
    ],
)
async def test_outside_a_sandbox_it_is_sent_of_the_exercise_authority_alone(
    service: type[KeySettings], authority: str, configured: str, comes_to: Any
) -> None:
    settings = cast("Any", service).model_construct(sandbox=False, exercise_authority=configured)
    assert await settings.block_real_recipients(prepare)(NO_TRANSACTION, parcel_of(authority)) == comes_to
