"""Who has a report by now, in the words that a carer who asks is answered with."""

from collections.abc import Iterable

from services.safeguarding.decisions import REACHED, DutyChanged, DutyState, EpisodeChanged, ReportTaken
from services.safeguarding.roles import Role, Wording


def reports_taken(changes: Iterable[EpisodeChanged | DutyChanged]) -> list[tuple[DutyChanged, ReportTaken]]:
    """With the change that shows it; most changes show nothing of the kind."""
    duties = (change for change in changes if isinstance(change, DutyChanged))
    return [(duty, report) for duty in duties if (report := _report_taken(duty)) is not None]


def _report_taken(duty: DutyChanged) -> ReportTaken | None:
    if duty.episode is None:
        return None
    to_police = [step for step in duty.steps if step.role is Role.POLICE_CONTROL_ROOM]
    if duty.wording is Wording.MISSING_NOTICE and to_police:
        if any(step.state == "acknowledged" for step in to_police):
            return ReportTaken(authority=duty.authority, episode=duty.episode, by="officer")
        if any(step.state in REACHED for step in to_police):
            return ReportTaken(authority=duty.authority, episode=duty.episode, by="police-system")
    elif duty.state is DutyState.ACKNOWLEDGED and any(step.role.startswith("duty.") for step in duty.steps):
        return ReportTaken(authority=duty.authority, episode=duty.episode, by="duty-team")
    return None
