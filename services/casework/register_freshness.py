"""Shows how old each authority's register is, so that no missing child is the first to show a missing export. Forgets
the rows that imports replaced long ago.
"""

from services.casework import metrics
from services.casework.store.history.import_record import ages, forget_old_rows
from services.platform.runtime.clocks import Clocks
from services.platform.store.disposal.sweep import MAY_SWEEP
from services.platform.store.query import PLAN_BY_VALUES
from services.platform.store.unit_of_work import Store
from services.safeguarding.identifiers import is_for_exercises

EVERY_SECONDS = 60.0
FORGETS_EVERY_SECONDS = 3600.0


async def show_ages(store: Store, clocks: Clocks) -> None:
    """Each replica shows the same. An authority for exercises is passed over: nobody keeps its register fresh. One that
    has left is shown no longer: its last age would be an alarm until the process ends.
    """
    async with store.transaction() as uow:
        _, found = await uow.fetch(PLAN_BY_VALUES, ages(clocks.story()))
    metrics.REGISTER_AGE.clear()
    for (authority, table), seconds in found.items():
        if not is_for_exercises(authority):
            metrics.REGISTER_AGE.labels(authority, table).set(seconds)


async def forget_replaced(store: Store, clocks: Clocks) -> bool:
    """Call it rarely: it reads about every import ever made. True while there are more rows to forget."""
    async with store.transaction() as uow:
        return bool(await uow.fetch(MAY_SWEEP)) and await uow.fetch(forget_old_rows(clocks.story()))
