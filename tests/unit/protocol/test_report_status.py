"""What a carer who asks is told of a report: said when a duty changes in a way that shows who has it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.protocol.policy.decision_record import reports_taken
from services.safeguarding.duty.decisions import DutyChanged, DutyState, EpisodeChanged, EpisodeState, StepRecord
from services.safeguarding.roles import Channel, Role, Wording

MISSING_NOTICE = Wording("missing-notice")

AT = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)


def step(role: Role, state: str, number: int = 0, minutes: int = 0) -> StepRecord:
    at = AT + timedelta(minutes=minutes)
    return StepRecord.model_validate(
        {"step": number, "role": role, "channel": Channel.WEBHOOK, "told_at": at, "state": state, "changed_at": at}
    )


def duty(
    *steps: StepRecord,
    state: DutyState = DutyState.OPEN,
    wording: Wording = MISSING_NOTICE,
    of_an_episode: bool = True,
) -> DutyChanged:
    return DutyChanged(
        authority="north",
        episode=uuid4() if of_an_episode else None,
        duty=uuid4(),
        revision=1,
        rule="r",
        wording=wording,
        state=state,
        steps=steps,
        protocol="p",
        cites=("S13",),
    )


POLICE, WORKER, MANAGER = Role.POLICE_CONTROL_ROOM, Role.DUTY_WORKER, Role.DUTY_SENIOR_MANAGER
HAVE_IT = step(WORKER, "acknowledged")


@pytest.mark.parametrize(
    ("change", "by"),
    [
        (duty(step(POLICE, "told")), None),
        (duty(step(POLICE, "failed")), None),
        (duty(step(POLICE, "accepted"), state=DutyState.ACCEPTED), "police-system"),
        (duty(step(POLICE, "delivered"), state=DutyState.ACCEPTED), "police-system"),
        (duty(step(POLICE, "accepted"), step(POLICE, "acknowledged")), "officer"),
        (duty(step(POLICE, "told"), step(WORKER, "acknowledged"), state=DutyState.ACKNOWLEDGED), None),
        (duty(step(POLICE, "accepted"), wording=Wording("luring-suspected")), None),
        (duty(step(WORKER, "accepted"), state=DutyState.ACCEPTED), None),
        (duty(step(WORKER, "acknowledged"), state=DutyState.ACKNOWLEDGED), "duty-team"),
        (duty(step(Role.CHILD_SOCIAL_WORKER, "acknowledged"), state=DutyState.ACKNOWLEDGED), None),
        (duty(HAVE_IT, state=DutyState.ACKNOWLEDGED, of_an_episode=False), None),
        (duty(HAVE_IT, state=DutyState.ACKNOWLEDGED, wording=Wording("missing-update")), "duty-team"),
        (duty(HAVE_IT, state=DutyState.ACKNOWLEDGED, wording=Wording("strategy-discussion")), None),
        (duty(HAVE_IT, state=DutyState.ACKNOWLEDGED, wording=Wording("photo-due")), None),
        (duty(HAVE_IT, state=DutyState.ACKNOWLEDGED, wording=Wording("return-claimed-notice")), None),
        (
            duty(
                step(Role.CHILD_HEALTH_PRACTITIONER, "acknowledged"),
                step(WORKER, "told", 1),
                state=DutyState.ACKNOWLEDGED,
                wording=Wording("strategy-discussion"),
            ),
            None,
        ),
        (duty(step(Role.CHILD_SOCIAL_WORKER, "told"), step(WORKER, "acknowledged", 1)), None),
        (duty(step(WORKER, "accepted"), step(MANAGER, "acknowledged", 1, 15)), "duty-team"),
        (duty(state=DutyState.OPEN), None),
    ],
)
def test_a_change_says_who_has_the_report(change: DutyChanged, by: str | None) -> None:
    taken = [(of, report.by, report.episode) for of, report in reports_taken([change])]
    assert taken == ([] if by is None else [(change, by, change.episode)])


def test_an_episode_that_changes_says_nothing_of_who_has_its_report() -> None:
    changed = EpisodeChanged(
        authority="north", episode=uuid4(), revision=1, state=EpisodeState.MISSING, opened_at=AT, protocol="p"
    )
    assert reports_taken([changed]) == []


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        (duty(HAVE_IT, state=DutyState.ACCEPTED), True),
        (duty(HAVE_IT, state=DutyState.OVERDUE), False),
        (duty(HAVE_IT, step(MANAGER, "told", 1, 15), state=DutyState.ACCEPTED), False),
        (duty(HAVE_IT, step(MANAGER, "acknowledged", 1, 15), state=DutyState.ACCEPTED), True),
        (duty(step(WORKER, "acknowledged", 0, 20), step(MANAGER, "accepted", 1, 15), state=DutyState.ACCEPTED), True),
    ],
    ids=["rests", "overdue again", "the next is asked", "and answers", "was asked before the answer"],
)
def test_that_the_duty_team_has_it_is_taken_back_once_somebody_is_asked_anew(change: DutyChanged, holds: bool) -> None:
    [(_, taken)] = reports_taken([change])
    assert (taken.by, taken.holds) == ("duty-team", holds)
