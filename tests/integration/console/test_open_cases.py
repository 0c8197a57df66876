"""The list of open cases counts what the database has of their duties, on a real PostgreSQL."""

from datetime import timedelta
from uuid import uuid4

import pytest

from services.console.read_model.projections import Handlers, open_cases
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Store
from services.safeguarding.duty.decisions import DutyChanged
from services.safeguarding.identifiers import new_id
from services.safeguarding.roles import Role
from tests.support.in_process.console import REPORTED_AT, duty_changed, episode_changed, hear, heard, step

SOON, LATER = REPORTED_AT + timedelta(minutes=5), REPORTED_AT + timedelta(minutes=15)
EPISODE = uuid4()
DELIVERED = duty_changed(EPISODE, step(0, Role.DUTY_WORKER, "delivered"), state="accepted", next_step_at=SOON)
ENOUGH = duty_changed(
    EPISODE, step(0, Role.CARER_REPORTING, "accepted"), state="accepted", ended_because="accepted-is-enough"
)
CANCELLED = duty_changed(EPISODE, state="cancelled")
OVERDUE = duty_changed(EPISODE, step(0, Role.DUTY_HEAD_OF_SERVICE), state="overdue", next_step_at=LATER)


@pytest.mark.parametrize(
    ("duties", "told", "reached", "waiting", "overdue"),
    [
        ([DELIVERED], 1, 0, 1, 0),
        ([ENOUGH], 1, 1, 0, 0),
        ([CANCELLED], 0, 0, 0, 0),
        ([DELIVERED, OVERDUE], 2, 0, 2, 1),
    ],
    ids=["delivered, not answered", "taken, which is enough", "fell away", "one is overdue"],
)
async def test_a_case_counts_who_was_told_and_who_has_still_to_answer(
    opened: Store, duties: list[DutyChanged], told: int, reached: int, waiting: int, overdue: int
) -> None:
    child, episode = new_id("child"), uuid4()
    mine = [each.model_copy(update={"episode": episode, "duty": uuid4()}) for each in duties]
    await hear(opened, Handlers(Clocks()), *(heard(each, child) for each in (episode_changed(episode), *mine)))
    async with opened.read() as reader:
        [line] = [each for each in await reader.fetch(open_cases(None)) if each.episode.child == child]
    assert (line.told, line.reached, line.waiting, line.overdue) == (told, reached, waiting, overdue)
    if overdue:
        assert line.asked[0].duty.content.duty == mine[-1].duty, "the most pressing first"
