"""Says on the bus how a force's list differs from ours."""

from services.platform.store.unit_of_work import UnitOfWork
from services.police import metrics
from services.police.policy import Difference, Standing
from services.safeguarding.child_events.events import PoliceListDiffers
from services.safeguarding.identifiers import ForceId


async def say_difference(uow: UnitOfWork, force: ForceId, standing: Standing, difference: Difference) -> None:
    uow.on_commit(metrics.LIST_DIFFERENCES.labels(difference).inc)
    uow.publish(
        PoliceListDiffers(authority=standing.authority, force=force, episode=standing.episode, difference=difference),
        subject=standing.child,
        exercise=standing.exercise,
    )
