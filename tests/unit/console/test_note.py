"""The note of a shift: what is open, whom it waits for, who promised what."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.console.policy.status import CaseLine, RecordedMessage, overview
from services.options.shift_exchange.acts import NOTHING, write_note
from services.safeguarding.deeds import WORDS_AT_MOST
from services.safeguarding.roles import Role, Wording
from tests.support.in_process.console import REPORTED_AT, duty_changed, episode_changed, step

EPISODE = UUID(int=5)


def case(*duties: Any, waiting: int | None = None, exercise: bool = False) -> CaseLine:
    episode = RecordedMessage("", f"child-{EPISODE}", REPORTED_AT, exercise, episode_changed(EPISODE))
    asked = tuple(duty.model_dump(mode="json") for duty in duties)
    return CaseLine(episode, "C17", len(asked), 0, len(asked) if waiting is None else waiting, 0, asked, None)


def note(*cases: CaseLine) -> str:
    return write_note(overview(cases, (), REPORTED_AT).cases, lambda value, _field: str(value))


def test_it_says_who_promised_what_and_what_waits_for_whom() -> None:
    later = REPORTED_AT + timedelta(hours=1)
    promised = duty_changed(EPISODE, step(0, Role.DUTY_WORKER, "acknowledged"), next_step_at=later)
    waiting = duty_changed(EPISODE, step(0, Role.CHILD_SOCIAL_WORKER), wording=Wording("photo-due"))
    said = note(case(promised, waiting, waiting=4))
    assert said.splitlines()[0].startswith("C17 (")
    assert "missing since Tue 24 Nov 22:15." in said
    assert "- missing-notice: duty.worker has it since Tue 24 Nov 22:15; asked again Tue 24 Nov 23:15." in said
    assert "- photo-due: waits for child.social-worker, told Tue 24 Nov 22:15." in said
    assert "- And 2 more wait for an answer" in said
    assert "- Before it closes: safe-and-well-check, return-interview, police-closed." in said


def test_it_leaves_room_to_write_however_much_is_open() -> None:
    said = note(*[case()] * 300)
    assert len(said) < WORDS_AT_MOST - 300
    assert "more: see the console." in said


def test_practice_is_not_handed_over() -> None:
    assert note(case(exercise=True)) == NOTHING
