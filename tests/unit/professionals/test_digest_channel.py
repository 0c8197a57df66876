"""A mail that rides in another's."""

from typing import Any, cast
from uuid import uuid4

from services.platform.store.unit_of_work import Store
from services.professionals.sender import GroupedMail
from services.safeguarding.duty.decisions import AttemptResult
from tests.support.in_process.delivery import PlayedMedium, sending

NO_STORE = cast("Store", None)


def in_the_mail_of(leader: Any, delivery: Any) -> Any:
    body = f"Message-ID: <{leader}@kestrel.example>\r\n\r\nWords."
    return sending("worker@kestrel.example", body, id=delivery)


async def test_what_rides_in_a_mail_that_this_process_saw_taken_asks_nobody() -> None:
    medium, leader = PlayedMedium(name="email"), uuid4()
    mail = GroupedMail(medium, NO_STORE)
    await mail.send(in_the_mail_of(leader, leader))
    assert (await mail.send(in_the_mail_of(leader, uuid4()))).result is AttemptResult.ACCEPTED
    assert [each.id for each in medium.sent] == [leader]
