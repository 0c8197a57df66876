"""Publishes a difference between a force's list and ours."""

from services.platform.store.unit_of_work import UnitOfWork
from services.police import metrics
from services.police.policy import Difference, ToldEpisode
from services.safeguarding.child_events.events import PoliceListDiffers
from services.safeguarding.identifiers import ForceId


def publish_difference(uow: UnitOfWork, force: ForceId, told: ToldEpisode, difference: Difference) -> None:
    uow.on_commit(metrics.LIST_DIFFERENCES.labels(difference).inc)
    uow.publish(
        PoliceListDiffers(authority=told.authority, force=force, episode=told.episode, difference=difference),
        subject=told.child,
        exercise=told.exercise,
    )
