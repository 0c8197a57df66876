"""Which topics a service may gather, as its subscriptions say."""

from typing import Any

from services.platform.bus.message_processor import GATHERED_SECONDS, Priority, Subscription, gathered_seconds
from services.safeguarding.duty.decisions import EpisodeChanged, ReportTaken
from services.safeguarding.duty.duties import DutyAccepted
from services.safeguarding.message import Message, Topic


async def handler(received: Any, uow: Any) -> None: ...


def subscribed(**_: Priority) -> list[Subscription]:
    events: dict[str, type[Message]] = {"episode": EpisodeChanged, "report": ReportTaken, "accepted": DutyAccepted}
    return [Subscription(events[name], handler, priority) for name, priority in _.items()]


def test_a_topic_is_gathered_as_long_as_the_most_urgent_on_it_allows() -> None:
    accepted = {"accepted": Priority.NORMAL}
    for first in Priority:
        for second in Priority:
            waits = gathered_seconds(subscribed(episode=first, report=second, **accepted))
            assert waits[Topic.DECISIONS] == min(GATHERED_SECONDS[first], GATHERED_SECONDS[second])
            assert waits[Topic.OUTCOMES] == GATHERED_SECONDS[Priority.NORMAL]


def test_what_is_urgent_waits_for_no_other() -> None:
    assert GATHERED_SECONDS[Priority.URGENT] == 0
