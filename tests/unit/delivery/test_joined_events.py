"""What one transaction says of one child travels together, and says the same as before."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

from services.platform.delivery.events import JoinedEvents
from services.platform.delivery.model import Delivery
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import ContactUnreachable
from services.safeguarding.duty.decisions import AttemptResult, DeliveriesAttempted, DeliveryAttempted, RegisterLookedUp
from services.safeguarding.duty.duties import DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes, parts_of
from services.safeguarding.identifiers import new_id
from services.safeguarding.message import Message

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DUTY = uuid4()


def delivery(child: str, *, authority: str | None = "kestrel", **about: Any) -> Delivery:
    return Delivery(id=uuid4(), lane="texts", child=child, created_at=NOW, authority=authority, **about)


def accepted(duty: UUID = DUTY) -> DutyAccepted:
    return DutyAccepted(duty=duty, step=0, authority="kestrel")


def delivered(duty: UUID = DUTY) -> DutyDelivered:
    return DutyDelivered(duty=duty, step=0, authority="kestrel")


def failed(duty: UUID = DUTY) -> DutyFailed:
    return DutyFailed(duty=duty, step=0, authority="kestrel", reason="undeliverable")


def attempted(of: Delivery) -> DeliveryAttempted:
    return DeliveryAttempted(
        authority="kestrel",
        delivery=of.id,
        attempt=1,
        medium="text",
        result=AttemptResult.ACCEPTED,
        took_ms=3,
        body_hash="ab",
    )


def said(*pairs: tuple[Delivery, Sequence[Message | None]]) -> list[tuple[str, bool, str | None, Message]]:
    """Child, practice or not, trace and content of each message."""
    heard: list[tuple[str, bool, str | None, Message]] = []

    class Hearing:
        def publish(self, *events: Message, subject: str, cause: Delivery) -> None:
            heard.extend((subject, cause.exercise, cause.trace, each) for each in events)

    joined = JoinedEvents()
    for of, events in pairs:
        joined.add(of, *events)
    joined.publish(cast("UnitOfWork", Hearing()))
    return heard


def test_attempts_about_one_child_and_their_outcomes_are_one_message() -> None:
    child = new_id("child")
    first, second, third = (delivery(child) for _ in range(3))
    lost = failed(uuid4())
    tried = [attempted(each) for each in (first, second, third)]
    heard = said((first, [tried[0], accepted()]), (second, [tried[1], lost]), (third, [tried[2], None]))
    assert [(subject, content) for subject, _, _, content in heard] == [
        (child, DutyOutcomes(authority="kestrel", attempts=tuple(tried), accepted=(accepted(),), failed=(lost,))),
    ]


def test_attempts_without_an_outcome_are_a_message_of_their_own() -> None:
    one, other = (delivery(new_id("child")) for _ in range(2))
    tried = [attempted(each) for each in (one, one)]
    heard = [content for *_, content in said((one, tried), (other, [attempted(other)]))]
    assert heard == [DeliveriesAttempted(authority="kestrel", attempts=tuple(tried)), attempted(other)]


def test_an_outcome_alone_travels_as_itself() -> None:
    assert [content for *_, content in said((delivery(new_id("child")), [accepted()]))] == [accepted()]


def test_what_is_about_another_child_trace_or_authority_or_is_practice_travels_apart() -> None:
    child = new_id("child")
    apart = [
        delivery(child),
        delivery(new_id("child")),
        delivery(child, exercise=True),
        delivery(child, trace="00-a"),
        delivery(child, authority="seaford"),
    ]
    heard = said(*((each, [accepted(uuid4())]) for each in apart))
    assert [(subject, practice, trace) for subject, practice, trace, _ in heard] == [
        (each.child, each.exercise, each.trace) for each in apart
    ]
    assert {type(content) for *_, content in heard} == {DutyAccepted}


def test_the_outcomes_of_one_telling_are_read_in_the_order_in_which_they_came() -> None:
    one, other = delivery(new_id("child")), uuid4()
    came = [accepted(), accepted(other), failed(), delivered(), delivered(other), failed(other)]
    heard = [content for *_, content in said((one, list(came)))]
    read = [part for content in heard for part in parts_of(content)]
    for duty in (DUTY, other):
        assert [each for each in read if each.duty == duty] == [each for each in came if each.duty == duty]  # type: ignore[attr-defined]
    assert len(heard) == 2


def test_what_cannot_be_joined_travels_as_it_is() -> None:
    one = delivery(new_id("child"))
    unreachable = ContactUnreachable(authority="kestrel", person=new_id("person"), role="carer")
    read = RegisterLookedUp(authority="kestrel", purpose="reply", fields=("person.mobile",), delivery=one.id)
    heard = [content for *_, content in said((one, [read, failed(), failed(uuid4()), unreachable]))]
    assert [type(each) for each in heard] == [RegisterLookedUp, DutyOutcomes, ContactUnreachable]
