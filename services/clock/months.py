"""Has PostgreSQL make the monthly partitions of tables that only grow, and drop those whose time is over.

Not urgent: until the next turn, rows that fit no month go into a partition of their own.
"""

from services.clock import metrics
from services.platform.runtime.periodic import run_each
from services.platform.store.query import Query, first_row, scalar
from services.platform.store.unit_of_work import Store

EVERY_SECONDS = 3600.0
TABLES = "SELECT name FROM months.tables ORDER BY name"
KEEP_UP = "SELECT ahead, outside FROM months.keep_up(%(name)s)"
LEFT_OVER = "SELECT months.left_over(%(name)s)"


async def keep_up(store: Store) -> bool:
    """Uses a transaction for each table: none waits for another's locks, and one that fails holds up no other. Returns
    False: there is never more to do at once.
    """
    async with store.transaction() as uow:
        names = await uow.fetch(Query(TABLES, {}, lambda rows: [row.name for row in rows]))

    async def keep(name: str) -> None:
        async with store.transaction() as uow:
            ahead, outside = await uow.fetch(Query(KEEP_UP, {"name": name}, first_row))
        async with store.transaction() as uow:
            left = await uow.fetch(Query(LEFT_OVER, {"name": name}, scalar))
        metrics.MONTHS_AHEAD.labels(name).set(ahead)
        metrics.ROWS_OUTSIDE.labels(name).set(outside)
        metrics.MONTHS_LEFT.labels(name).set(left)

    await run_each(keep, names)
    return False
