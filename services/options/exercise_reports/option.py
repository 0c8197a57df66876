"""Adds exercise reports to casework, where an authority is named for them."""

from typing import TYPE_CHECKING

from services.platform.option import Option

if TYPE_CHECKING:
    from services.casework.settings import CaseworkSettings
    from services.platform.bus.service_host import ServiceHost


def _report(host: "ServiceHost", settings: "CaseworkSettings") -> None:
    if not settings.exercise_authority:
        return
    from services.options.exercise_reports.reporter import LOOK_EVERY_SECONDS, ExerciseReporter
    from services.platform.runtime.process import Repeating

    reporter = ExerciseReporter(host.store, host.clocks, settings.exercise_authority)
    host.add_periodic(Repeating("exercise reports", reporter.turn, every_seconds=LOOK_EVERY_SECONDS))


OPTION = Option("exercise-reports", parts={"casework": _report})
