"""Says who has a report by now, for a carer who asks."""

from collections.abc import Iterable

from services.safeguarding.duty.decisions import (
    REACHED,
    DutyChanged,
    DutyState,
    EpisodeChanged,
    ReportTaken,
    StepRecord,
)
from services.safeguarding.roles import ON_DUTY, Role, Wording

OF_THE_ABSENCE = frozenset({Wording("missing-notice"), Wording("missing-update"), Wording("return-withdrawn-notice")})
"""Notices that the child is missing, and news of it. An answer to others does not mean that anyone has the report."""


def reports_taken(changes: Iterable[EpisodeChanged | DutyChanged]) -> list[tuple[DutyChanged, ReportTaken]]:
    """Each with the change that shows it; most changes show none."""
    duties = (change for change in changes if isinstance(change, DutyChanged))
    return [(duty, report) for duty in duties if (report := _report_taken(duty)) is not None]


def _report_taken(duty: DutyChanged) -> ReportTaken | None:
    if duty.episode is None or not duty.steps:
        return None
    to_police = [step for step in duty.steps if step.role is Role.POLICE_CONTROL_ROOM]
    if duty.wording is Wording("missing-notice") and to_police:
        if any(step.state == "acknowledged" for step in to_police):
            return ReportTaken(authority=duty.authority, episode=duty.episode, by="officer")
        if any(step.state in REACHED for step in to_police):
            return ReportTaken(authority=duty.authority, episode=duty.episode, by="police-system")
    elif duty.wording in OF_THE_ABSENCE and duty.steps[0].role in ON_DUTY:
        answered = [step for step in duty.steps if step.role in ON_DUTY and step.state == "acknowledged"]
        if answered:
            holds = not _asked_since(duty, answered[-1])
            return ReportTaken(authority=duty.authority, episode=duty.episode, by="duty-team", holds=holds)
    return None


def _asked_since(duty: DutyChanged, answered: StepRecord) -> bool:
    """Whether the answer only let the duty rest, and somebody was asked since."""
    later = any(step.step > answered.step and step.told_at > answered.changed_at for step in duty.steps)
    return duty.goes_on and (later or duty.state is DutyState.OVERDUE)
