"""Says on the bus how a force's list differs from ours."""

from services.platform.bus.envelope import say
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Transaction
from services.police import metrics
from services.police.policy import Difference, Standing
from services.safeguarding.events import PoliceListDiffers
from services.safeguarding.identifiers import ForceId


async def say_difference(
    transaction: Transaction, clocks: Clocks, force: ForceId, standing: Standing, difference: Difference
) -> None:
    transaction.after_commit(metrics.LIST_DIFFERENCES.labels(difference).inc)
    await say(
        transaction,
        PoliceListDiffers(authority=standing.authority, force=force, episode=standing.episode, difference=difference),
        said_by="police",
        subject=standing.child,
        at=clocks.story(),
        now=clocks.wall(),
        exercise=standing.exercise,
    )
