"""One turn of the clock."""

from services.bus.envelope import with_lateness
from services.clock import metrics
from services.runtime.clocks import Clocks
from services.safeguarding.message import Topic
from services.store import deadlines, outbox
from services.store.transaction import Store

BATCH = 500


async def fire_due(store: Store, clocks: Clocks) -> bool:
    """Hands over what is due by story time, longest overdue first. True when there may be more at once."""
    async with store.transaction() as transaction:
        now = clocks.story()
        due = await deadlines.claim(transaction, now=now, most=BATCH)
        if not due:
            return False
        late = [(now - row.due_at).total_seconds() for row in due]
        said = [
            outbox.Said(row.child, with_lateness(row.envelope, int(seconds)))
            for row, seconds in zip(due, late, strict=True)
        ]
        await outbox.put_all(transaction, said, topic=Topic.CHILD_EVENTS, at=clocks.wall())
        await deadlines.fired(transaction, [row.deadline for row in due], now)
    metrics.FIRED.inc(len(due))
    for seconds in late:
        metrics.LATENESS.observe(seconds)
    return len(due) == BATCH
