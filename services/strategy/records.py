"""Takes a discussion's record once, from the page or an agency, with each step of its plan; tells everyone invited.

The form on which a discussion is recorded is built and read here. Who was asked for the record is kept, too. Its
words are in the register; their ids are here.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from services.platform.delivery.links import Choice, Field, Form, Group
from services.platform.runtime.clocks import Clocks
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import Cause, UnitOfWork
from services.safeguarding.child_events.discussion_events import PlannedStep, PlanStepSet, StrategyDiscussionHeld
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import ChildId, derived
from services.safeguarding.roles import PLAN_OWNERS, Role
from services.safeguarding.working_time import Day
from services.strategy.discussions import repository as discussions
from services.strategy.discussions import service
from services.strategy.invitations import Words

STEPS = 6
SAID_AT_MOST, STEP_AT_MOST = 4000, 300
WITHIN = timedelta(days=366)
FORMS = ("urgent", "full")
SECTION_47 = ("enquiry", "no-enquiry", "under-way")
PARTS = ("what", "owner", "due")
_day = TypeAdapter[date](Day)


@dataclass(frozen=True, slots=True)
class Filled:
    """`texts`: what was said, then one text for each step. `fields` are those of a `StrategyDiscussionHeld`."""

    texts: tuple[str, ...]
    fields: dict[str, Any]


def read(form: Form, spoken: Words, *, on: date) -> Filled | dict[str, str]:
    """The record; or, by field, the correction to ask for. `on` is the day of the discussion."""
    wrong: dict[str, str] = {}
    for name, allowed in (("form", FORMS), ("section_47", SECTION_47)):
        if form.one(name) not in allowed:
            wrong[name] = spoken.record("choose")
    said = form.one("said")
    if not 1 <= len(said) <= SAID_AT_MOST:
        wrong["said"] = spoken.record("write")
    steps = [step for number in range(1, STEPS + 1) if (step := _step(form, number, spoken, on, wrong)) is not None]
    if wrong:
        return wrong
    fields = {
        "form": form.one("form"),
        "section_47": form.one("section_47"),
        "came": tuple(role for role in map(_role, form.all("came")) if role is not None),
        "plan": tuple(step for _, step in steps),
    }
    return Filled((said, *(what for what, _ in steps)), fields)


def _step(form: Form, number: int, spoken: Words, on: date, wrong: dict[str, str]) -> tuple[str, PlannedStep] | None:
    what, owner, due = (form.one(f"{part}-{number}") for part in PARTS)
    if not (what or owner or due):
        return None
    role, day = _role(owner), _date(due)
    for part, is_there in (
        ("what", 1 <= len(what) <= STEP_AT_MOST),
        ("owner", role in PLAN_OWNERS),
        ("due", bool(due)),
    ):
        if not is_there:
            wrong[f"{part}-{number}"] = spoken.record("step-incomplete")
    if due and (day is None or not on <= day <= on + WITHIN):
        wrong[f"due-{number}"] = spoken.record("day-wrong")
    if role is None or day is None or role not in PLAN_OWNERS:
        return None
    return what, PlannedStep(owner=role, due_on=day)


def _role(written: str) -> Role | None:
    return Role(written) if written in frozenset(Role) else None


def _date(written: str) -> date | None:
    try:
        return _day.validate_strings(written)
    except ValidationError:
        return None


def build_groups(spoken: Words, invited: tuple[Role, ...], filled: Form, wrong: dict[str, str]) -> tuple[Group, ...]:
    """The fields with their present values. The caller ticks beforehand those who said that they come."""
    first = Group(
        (
            _choice(spoken, "form", "form", FORMS, filled, wrong),
            Field(
                "came",
                spoken.record("came"),
                "any-of",
                choices=tuple(Choice(role, spoken.role(role), role in filled.all("came")) for role in invited),
            ),
            _choice(spoken, "section_47", "section-47", SECTION_47, filled, wrong),
            Field(
                "said",
                spoken.record("said"),
                "words",
                value=filled.one("said"),
                hint=spoken.record("said-hint"),
                wrong=wrong.get("said", ""),
            ),
        )
    )
    return (first, *(_step_group(spoken, number, filled, wrong) for number in range(1, STEPS + 1)))


def _choice(
    spoken: Words, name: str, words: str, values: tuple[str, ...], filled: Form, wrong: dict[str, str]
) -> Field:
    choices = tuple(Choice(each, spoken.record(f"{words}-{each}"), each == filled.one(name)) for each in values)
    return Field(name, spoken.record(words), "one-of", choices=choices, wrong=wrong.get(name, ""))


def _step_group(spoken: Words, number: int, filled: Form, wrong: dict[str, str]) -> Group:
    owner = filled.one(f"owner-{number}")
    owners = tuple(Choice(role, spoken.role(role), role == owner) for role in Role if role in PLAN_OWNERS)
    kinds = {"what": "line", "owner": "list", "due": "day"}
    fields = tuple(
        Field(
            name := f"{part}-{number}",
            spoken.record(part),
            kinds[part],  # type: ignore[arg-type]
            value=filled.one(name),
            choices=owners if part == "owner" else (),
            wrong=wrong.get(name, ""),
        )
        for part in PARTS
    )
    is_empty = not any(filled.one(f"{part}-{number}") for part in PARTS)
    return Group(fields, spoken.record("step", number=number), folded=is_empty and number > 1)


ASK = """
    INSERT INTO recorders (duty, step, discussion) VALUES (%(duty)s, %(step)s, %(discussion)s) ON CONFLICT DO NOTHING
"""
KEEP = """
    INSERT INTO records (discussion, content, words, at)
    VALUES (%(discussion)s, %(content)s::jsonb, %(words)s, %(at)s) ON CONFLICT DO NOTHING
"""
CORRECT = """
    UPDATE records SET content = content || %(content)s::jsonb, words = words || %(words)s::text[]
    WHERE discussion = %(discussion)s
"""
OF_DISCUSSION = "SELECT content, at FROM records WHERE discussion = %(discussion)s"


@dataclass(frozen=True, slots=True)
class Record:
    held: StrategyDiscussionHeld
    at: datetime


def ask(uow: UnitOfWork, discussion: UUID, duty: Duty) -> None:
    """Written with the commit."""
    uow.write(ASK, {"duty": duty.duty, "step": duty.step, "discussion": discussion})


def keep(uow: UnitOfWork, discussion: UUID, held: StrategyDiscussionHeld, at: datetime) -> None:
    """Written with the commit. Where there is a record already, that one is kept. `at` is story time."""
    uow.write(KEEP, {"discussion": discussion, "content": held.model_dump_json(), "words": list(held.words), "at": at})


def correct(uow: UnitOfWork, discussion: UUID, held: StrategyDiscussionHeld) -> None:
    """Written with the commit. The words of a correction come after those of the record and its plan."""
    content = held.model_dump_json(include={"section_47", "came"})
    uow.write(CORRECT, {"discussion": discussion, "content": content, "words": list(held.words)})


def record_of_discussion(discussion: UUID) -> Query[Record | None]:
    return Query(OF_DISCUSSION, {"discussion": discussion}, _record)


def _record(rows: Rows) -> Record | None:
    return Record(StrategyDiscussionHeld.read_again(rows[0].content), rows[0].at) if rows else None


@dataclass(frozen=True)
class RecordService:
    """Works within the caller's transaction, which has locked the discussion."""

    clocks: Clocks
    discussion_service: service.DiscussionService

    async def take(
        self,
        uow: UnitOfWork,
        found: discussions.Discussion | None,
        held: StrategyDiscussionHeld,
        *,
        child: ChildId,
        cause: Cause,
        name: str,
    ) -> None:
        """Keeps the first record of a discussion and its corrections. `found` is None if it was never planned here: its
        steps are set all the same. `name` identifies the record: the same name sets no step twice.
        """
        if found is not None:
            if found.state == discussions.HELD:
                if held.corrects_event is not None:
                    correct(uow, found.discussion, held)
                return
            keep(uow, found.discussion, held, self.clocks.story())
            await self.discussion_service.mark_held(uow, found)
            uow.on_commit(service.DISCUSSIONS.labels("recorded").inc)
        texts = held.words[1:]
        number = held.discussion or (1 if found is None else found.number)
        for index, step in enumerate(held.plan):
            content = PlanStepSet(
                authority=held.authority,
                words=texts[index : index + 1],
                discussion=number,
                number=index + 1,
                owner=step.owner,
                due_on=step.due_on,
            )
            step_id = str(derived("plan step", name, str(index + 1)))
            uow.publish(content, subject=child, cause=cause, message_id=step_id)
