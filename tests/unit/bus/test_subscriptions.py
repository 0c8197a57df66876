"""Which topics a service may gather, as its subscriptions say."""

from typing import Any

from services.platform.bus.subscriptions import Priority, Subscription, background_topics
from services.safeguarding.duty.decisions import EpisodeChanged, ReportTaken
from services.safeguarding.duty.outcomes import DutyAccepted
from services.safeguarding.message import Message, Topic


async def handler(received: Any, uow: Any) -> None: ...


def subscribed(**_: Priority) -> list[Subscription]:
    events: dict[str, type[Message]] = {"episode": EpisodeChanged, "report": ReportTaken, "accepted": DutyAccepted}
    return [Subscription(events[name], handler, priority) for name, priority in _.items()]


def test_a_topic_is_gathered_where_nobody_waits_for_anything_on_it() -> None:
    both = subscribed(episode=Priority.BACKGROUND, report=Priority.BACKGROUND, accepted=Priority.NORMAL)
    assert background_topics(both) == {Topic.DECISIONS}


def test_a_topic_on_which_somebody_waits_for_one_event_is_not_gathered() -> None:
    for waited_for in (Priority.NORMAL, Priority.URGENT):
        assert background_topics(subscribed(episode=Priority.BACKGROUND, report=waited_for)) == frozenset()
