"""Casework, put together."""

from services.bus.house import House
from services.casework import metrics
from services.casework.exercising import LOOK_EVERY_SECONDS, Exercising
from services.casework.settings import CaseworkSettings
from services.casework.web import pages
from services.runtime.repeating import Repeating


async def main() -> None:
    settings = CaseworkSettings()
    house = House("casework", settings)
    metrics.EXERCISES_CONFIGURED.set(bool(settings.exercise_authority))
    if settings.exercise_authority:
        exercising = Exercising(house.store, house.clocks, settings.exercise_authority)
        house.turn(Repeating("exercise reports", exercising.turn, every_seconds=LOOK_EVERY_SECONDS))
    await house.run(pages(house.store, house.clocks, settings))
