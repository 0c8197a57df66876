"""Publishes the events of due deadlines."""

from services.clock import metrics
from services.platform.messages.envelope import Unreadable, with_lateness
from services.platform.messages.signature import is_signed
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.store.story_time import deadlines
from services.platform.store.story_time.deadlines import Pending
from services.platform.store.unit_of_work import Store
from services.safeguarding.message import Topic

BATCH = 500


async def fire_due(store: Store, clocks: Clocks) -> bool:
    """Publishes the events that are due by story time, the longest overdue first. True if there may be more."""
    async with store.transaction() as uow:
        now = clocks.story()
        due = await deadlines.claim(uow, now=now, most=BATCH)
        if not due:
            return False
        late = [(now - row.due_at).total_seconds() for row in due]
        for row, seconds in zip(due, late, strict=True):
            uow.publish_composed(Topic.CHILD_EVENTS, row.child, _event_of(row, int(seconds)))
    metrics.FIRED.inc(len(due))
    for seconds in late:
        metrics.LATENESS.observe(seconds)
    return len(due) == BATCH


def _event_of(row: Pending, late_seconds: int) -> bytes:
    """What another service has signed stays as it is. So do bytes that are not a message: the consumer makes them a
    dead letter, which a person sees. If such a row were held back, it would hold back every deadline after it.
    """
    try:
        return row.envelope if is_signed(row.envelope) else with_lateness(row.envelope, late_seconds)
    except Unreadable as unreadable:
        logger().error("a deadline holds no message", reason=unreadable.reason, deadline=str(row.deadline))
        return row.envelope
