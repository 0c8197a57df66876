"""Lists the acts of a shift: what each asks, who may send it, what it brings about; carries them out, and writes what a
shift leaves to the next.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.console import metrics
from services.console.acts.service import ConsoleService, KeptWords, all_words
from services.console.policy.access import May, Operator
from services.console.policy.shift import InWords, describe_cases, is_of_duty, names_of
from services.console.policy.status import CaseLine, RecordedMessage
from services.options.shift_exchange.calendars import Unread, read_calendar
from services.platform.register import directory
from services.safeguarding.child_events.events import ShiftAccepted, ShiftHandedOver
from services.safeguarding.deeds import WORDS_AT_MOST, Answers, Fault, Faults, Field, Kind
from services.safeguarding.identifiers import PersonId
from services.safeguarding.message import Message
from services.safeguarding.operators import OperatorAct
from services.safeguarding.working_time import RotaChange, RotaLine


@dataclass(frozen=True, slots=True)
class Effect:
    """It is recorded about `person`, in whose authority all of it lies."""

    person: PersonId
    changes: tuple[RotaChange, ...] = ()
    ends: UUID | None = None
    """A change of the rota."""
    says: type[ShiftHandedOver] | type[ShiftAccepted] | None = None
    corrects: Mapping[str, str] = field(default_factory=dict)
    """How the person is reached: `mobile`, `email`."""
    calendar_of: str = ""
    """The role: `changes` take the place of those that an earlier calendar gave it."""
    unread: tuple[Unread, ...] = ()
    """What the calendar holds beside them."""


@dataclass(frozen=True, slots=True)
class ShiftAct:
    act: OperatorAct
    needs: May
    asks: tuple[Field, ...]
    effect: Callable[[Answers, datetime, Mapping[PersonId, str]], Effect]
    """Takes story time too, and the names of the directory. Raises Faults."""
    has_page: bool = True
    """False: a button of the shift's own page."""


FROM, UNTIL = Field("from", Kind.MOMENT, required=False), Field("until", Kind.MOMENT)
TAKER, PLACE, PERSON, ROLE, CHANGE, TO = (
    Field(name, Kind.CHOICE) for name in ("taker", "place", "person", "role", "change", "to")
)
BACK_FROM, BACK_UNTIL = (Field(name, Kind.MOMENT, required=False) for name in ("back_from", "back_until"))
WAYS = tuple(Field(name, Kind.LINE, required=False) for name in ("mobile", "email"))


def _cover(answers: Answers, now: datetime, _names: object) -> Effect:
    """In return, the one who is stood in for takes the stand-in's turns of the same role."""
    taker, (place, role) = answers.chosen["taker"], answers.chosen["place"].split(" ")
    if taker == place:
        raise Faults({"taker": Fault.NOT_OFFERED})
    cover = RotaChange(taker, role, *_span(answers, "from", "until", now), in_place_of=place)
    if "back_from" not in answers.moments and "back_until" not in answers.moments:
        return Effect(taker, (cover,))
    back = RotaChange(place, role, *_span(answers, "back_from", "back_until", now), in_place_of=taker)
    return Effect(taker, (cover, back))


def _leave(answers: Answers, now: datetime, _names: object) -> Effect:
    person = answers.chosen["person"]
    return Effect(person, (RotaChange(person, None, *_span(answers, "from", "until", now), away=True),))


def _add_shift(answers: Answers, now: datetime, _names: object) -> Effect:
    person = answers.chosen["person"]
    return Effect(person, (RotaChange(person, answers.chosen["role"], *_span(answers, "from", "until", now)),))


def _read_calendar(answers: Answers, now: datetime, names: Mapping[PersonId, str]) -> Effect:
    role = answers.chosen["role"]
    shifts, unread = read_calendar(answers.facts["calendar"], role, names, now)
    return Effect(shifts[0].person if shifts else "", shifts, calendar_of=role, unread=unread)


def _end(answers: Answers, _now: object, _names: object) -> Effect:
    change, person = answers.chosen["change"].split(" ")
    return Effect(person, ends=UUID(change))


def _correct(answers: Answers, _now: object, _names: object) -> Effect:
    if not answers.said:
        raise Faults({"mobile": Fault.MISSING})
    return Effect(answers.chosen["person"], corrects=answers.said)


def _span(answers: Answers, first: str, last: str, now: datetime) -> tuple[datetime, datetime]:
    """Raises Faults where it does not end, or ends before it begins."""
    from_at, to_at = answers.moments.get(first, now), answers.moments.get(last)
    if to_at is None:
        raise Faults({last: Fault.MISSING})
    if to_at <= from_at:
        raise Faults({last: Fault.BEFORE_START})
    return from_at, to_at


_ACTS = (
    ShiftAct(OperatorAct.SHIFT_COVERED, May.COVER, (TAKER, PLACE, FROM, UNTIL, BACK_FROM, BACK_UNTIL), _cover),
    ShiftAct(
        OperatorAct.SHIFT_HANDED_OVER,
        May.COVER,
        (TO, Field("hand_over", Kind.WORDS)),
        lambda answers, *_: Effect(answers.chosen["to"], says=ShiftHandedOver),
    ),
    ShiftAct(OperatorAct.LEAVE_ENTERED, May.CHANGE_ROTA, (PERSON, FROM, UNTIL), _leave),
    ShiftAct(OperatorAct.SHIFT_ADDED, May.CHANGE_ROTA, (PERSON, ROLE, FROM, UNTIL), _add_shift),
    ShiftAct(OperatorAct.CALENDAR_READ, May.CHANGE_ROTA, (ROLE, Field("calendar", Kind.CALENDAR)), _read_calendar),
    ShiftAct(OperatorAct.CONTACT_CORRECTED, May.CHANGE_ROTA, (PERSON, *WAYS), _correct),
    ShiftAct(
        OperatorAct.SHIFT_ACCEPTED,
        May.COVER,
        (TO,),
        lambda answers, *_: Effect(answers.chosen["to"], says=ShiftAccepted),
        has_page=False,
    ),
    ShiftAct(OperatorAct.ROTA_CHANGE_ENDED, May.COVER, (CHANGE,), _end, has_page=False),
)
SHIFT_ACTS: Mapping[OperatorAct, ShiftAct] = {each.act: each for each in _ACTS}


def may_end(operator: Operator, line: RotaLine) -> bool:
    """Whoever may take a shift over may end that; leave and added shifts are the manager's."""
    return operator.may(May.COVER if line.turn.in_place_of else May.CHANGE_ROTA)


def choices(
    listed: Sequence[RotaLine], in_words: Callable[[object, str], str], operator: Operator
) -> dict[str, dict[str, str]]:
    """What each field offers, with its words: nobody beside those in `listed`. Only somebody who has a duty line may
    take one over, so that no change of the rota gives a right over other children.
    """
    lines = [line for line in listed if line.role is not None]
    names = names_of(listed)
    on_duty = {line.person: names[line.person] for line in lines if is_of_duty(str(line.role))}
    role_of = {str(line.role): in_words(line.role, "role") for line in lines}
    return {
        "taker": on_duty,
        "to": on_duty,
        "person": names,
        "role": {role: words for role, words in role_of.items() if is_of_duty(role)},
        "place": {
            f"{line.person} {line.role}": f"{names[line.person]}, {role_of[str(line.role)]}"
            for line in lines
            if line.change is None
        },
        "change": {f"{line.change} {line.person}": "" for line in listed if line.change and may_end(operator, line)},
    }


ROOM_TO_WRITE = 400
NOTHING = "Nothing is open."


@dataclass(frozen=True, slots=True)
class HandOver:
    at: datetime
    made: ShiftHandedOver
    accepted: RecordedMessage[ShiftAccepted] | None
    """The first word after it of somebody who has it."""


def hand_overs(said: Iterable[RecordedMessage[Any]]) -> list[HandOver]:
    """The newest first."""
    found: list[HandOver] = []
    accepted: dict[PersonId, RecordedMessage[ShiftAccepted]] = {}
    for each in sorted(said, key=lambda each: each.at, reverse=True):
        if isinstance(each.content, ShiftAccepted):
            accepted[each.content.contact] = each
        else:
            found.append(HandOver(each.at, each.content, accepted.pop(each.content.contact, None)))
    return found


def write_note(cases: Sequence[CaseLine], in_words: InWords) -> str:
    """Names children by their codes. Leaves room to write; what finds none is counted."""
    blocks = describe_cases(cases, in_words)
    note: list[str] = []
    for at, block in enumerate(blocks):
        if sum(map(len, note)) + len(block) > WORDS_AT_MOST - ROOM_TO_WRITE:
            note.append(f"And {len(blocks) - at} more: see the console.")
            break
        note.append(block)
    return "\n\n".join(note) or NOTHING


class RotaService(ConsoleService):
    async def lines(self, operator: Operator) -> list[RotaLine]:
        """The rota as far as the operator may see and change it."""
        async with self.store.read() as reader:
            return await reader.fetch(directory.rota_lines(self.keyring, operator.scope, self.clocks.story()))

    async def act(
        self, operator: Operator, act: ShiftAct, answers: Answers, effect: Effect, lines: Sequence[RotaLine]
    ) -> None:
        """`lines` are those that the form offered. Raises Faults."""
        people = {effect.person, *(who for each in effect.changes for who in (each.person, each.in_place_of))}
        [authority, *others] = {line.authority for line in lines if line.person in people}
        if others:
            raise Faults({act.asks[0].name: Fault.NOT_OFFERED})
        async with self.store.transaction() as uow:

            def say(words: KeptWords) -> list[Message]:
                who = {"authority": authority, "contact": effect.person, "account": operator.account}
                about = {**who, "words": all_words(words)}
                return [] if effect.says is None else [effect.says.model_validate(about)]

            said = {} if effect.says is None else answers.said
            recorder = self.recorder(uow, operator, answers.act, effect.person)
            if not await recorder.carry_out(act.act, said, say, authority=authority):
                return
            if effect.corrects:
                faults = await directory.correct(
                    uow, self.keyring, authority, effect.person, effect.corrects, operator.account, self.clocks.story()
                )
                if faults:
                    raise Faults(faults)
            if effect.calendar_of:
                directory.replace_calendar(
                    uow, authority, effect.calendar_of, effect.changes, operator.account, self.clocks.story()
                )
            else:
                for at, change in enumerate(effect.changes):
                    directory.add(uow, f"{answers.act} {at}", authority, change, operator.account)
            if effect.ends is not None:
                directory.end(uow, effect.ends, self.clocks.story())
        metrics.ACTS.labels(act.act, "done").inc()
