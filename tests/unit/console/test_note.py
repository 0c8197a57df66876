"""The note of a shift: what is open, whom it waits for, who promised what."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from services.console.policy.record import RecordedMessage
from services.console.policy.shift.note import NOTHING, write_note
from services.console.policy.status import EpisodeLine, overview
from services.safeguarding.deeds.answers import WORDS_AT_MOST
from services.safeguarding.roles import Role, Wording
from tests.support.console import REPORTED_AT, duty_changed, episode_changed, step

EPISODE = UUID(int=5)


def lines(*duties: Any, count: int = 1, exercise: bool = False) -> tuple[EpisodeLine, ...]:
    ids = [EPISODE, *(uuid4() for _ in range(count - 1))]
    episodes = [RecordedMessage("", f"child-{id_}", REPORTED_AT, exercise, episode_changed(id_)) for id_ in ids]
    of_duties: list[Any] = [RecordedMessage("", f"child-{EPISODE}", REPORTED_AT, exercise, duty) for duty in duties]
    return overview(episodes, of_duties, ()).episodes


def note(episodes: tuple[EpisodeLine, ...]) -> str:
    return write_note(episodes, {f"child-{EPISODE}": "C17"}, lambda value, _field: str(value))


def test_it_says_who_promised_what_and_what_waits_for_whom() -> None:
    later = REPORTED_AT + timedelta(hours=1)
    promised = duty_changed(EPISODE, step(0, Role.DUTY_WORKER, "acknowledged"), next_step_at=later)
    waiting = duty_changed(EPISODE, step(0, Role.CHILD_SOCIAL_WORKER), wording=Wording.PHOTO_DUE)
    ended = duty_changed(EPISODE, step(0, Role.CHILD_GUARDIAN, "acknowledged"), state="acknowledged")
    said = note(lines(promised, waiting, ended))
    assert said.splitlines()[0].startswith("C17 (")
    assert "missing since Tue 24 Nov 22:15." in said
    assert "- missing-notice: duty.worker has it since Tue 24 Nov 22:15; asked again Tue 24 Nov 23:15." in said
    assert "- photo-due: waits for child.social-worker, told Tue 24 Nov 22:15." in said
    assert "child.guardian" not in said
    assert "- Before it closes: safe-and-well-check, return-interview, police-closed." in said


def test_it_leaves_room_to_write_however_much_is_open() -> None:
    said = note(lines(count=300))
    assert len(said) < WORDS_AT_MOST - 300
    assert "more: see the console." in said


def test_practice_is_not_handed_over() -> None:
    assert note(lines(exercise=True)) == NOTHING
