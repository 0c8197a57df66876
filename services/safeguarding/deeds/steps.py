"""Describes deeds that are one step, which `care-step.recorded` says."""

from services.safeguarding.child_events.plan_events import CareStep, CareStepRecorded
from services.safeguarding.deeds.answers import NOTE
from services.safeguarding.deeds.deed import DeedSpec
from services.safeguarding.roles import Deed


def describe_step(deed: Deed, step: CareStep, ends: str) -> DeedSpec:
    return DeedSpec(deed, CareStepRecorded, (ends,), (NOTE,), facts=lambda _answers: {"step": step})
