"""Lists the forms that change the rota: what each asks, who may send it, and which changes it makes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.console.policy.permits import May
from services.console.policy.shift.board import OF_DUTY, names_of
from services.safeguarding.deeds.answers import Answers, Fault, Faults, Field, Kind
from services.safeguarding.duty.rota import RotaLine
from services.safeguarding.identifiers import PersonId
from services.safeguarding.operators import OperatorAct


@dataclass(frozen=True, slots=True)
class RotaChange:
    """For a time: `person` takes the turns of `in_place_of`, is on duty beside the weekly lines, or is `away`."""

    person: PersonId
    role: str | None
    from_at: datetime
    to_at: datetime
    in_place_of: PersonId | None = None
    away: bool = False


@dataclass(frozen=True, slots=True)
class ChangeSpec:
    """`asks` is made of the rota, as far as its reader may see it: whom it does not offer is not theirs to change."""

    act: OperatorAct
    needs: May
    asks: tuple[Field, ...]
    changes: Callable[[Answers, datetime], tuple[RotaChange, ...]]


FROM, UNTIL = Field("from", Kind.MOMENT, required=False), Field("until", Kind.MOMENT)
TAKER, PLACE, PERSON, ROLE = (Field(name, Kind.CHOICE) for name in ("taker", "place", "person", "role"))
BACK_FROM, BACK_UNTIL = (Field(name, Kind.MOMENT, required=False) for name in ("back_from", "back_until"))


def _cover(answers: Answers, now: datetime) -> tuple[RotaChange, ...]:
    """In return, the one who is stood in for takes the stand-in's turns of the same role."""
    taker, (place, role) = answers.chosen["taker"], answers.chosen["place"].split(" ")
    if taker == place:
        raise Faults({"taker": Fault.NOT_OFFERED})
    cover = RotaChange(taker, role, *_span(answers, "from", "until", now), in_place_of=place)
    if "back_from" not in answers.moments and "back_until" not in answers.moments:
        return (cover,)
    return cover, RotaChange(place, role, *_span(answers, "back_from", "back_until", now), in_place_of=taker)


def _leave(answers: Answers, now: datetime) -> tuple[RotaChange, ...]:
    return (RotaChange(answers.chosen["person"], None, *_span(answers, "from", "until", now), away=True),)


def _add_shift(answers: Answers, now: datetime) -> tuple[RotaChange, ...]:
    return (RotaChange(answers.chosen["person"], answers.chosen["role"], *_span(answers, "from", "until", now)),)


def _span(answers: Answers, first: str, last: str, now: datetime) -> tuple[datetime, datetime]:
    """Raises Faults where it does not end, or ends before it begins."""
    from_at, to_at = answers.moments.get(first, now), answers.moments.get(last)
    if to_at is None:
        raise Faults({last: Fault.MISSING})
    if to_at <= from_at:
        raise Faults({last: Fault.BEFORE_START})
    return from_at, to_at


_SPECS = (
    ChangeSpec(OperatorAct.SHIFT_COVERED, May.COVER, (TAKER, PLACE, FROM, UNTIL, BACK_FROM, BACK_UNTIL), _cover),
    ChangeSpec(OperatorAct.LEAVE_ENTERED, May.CHANGE_ROTA, (PERSON, FROM, UNTIL), _leave),
    ChangeSpec(OperatorAct.SHIFT_ADDED, May.CHANGE_ROTA, (PERSON, ROLE, FROM, UNTIL), _add_shift),
)
CHANGE_SPECS: Mapping[OperatorAct, ChangeSpec] = {each.act: each for each in _SPECS}

HAND_OVER = (Field("to", Kind.CHOICE), Field("hand_over", Kind.WORDS))


def needed_to_end(line: RotaLine) -> May:
    return May.CHANGE_ROTA if line.turn.in_place_of is None else May.COVER


def choices(listed: Iterable[RotaLine], words: Callable[[str], str]) -> dict[str, dict[str, str]]:
    """What each field offers, with the words for it. Only who has a duty line may take one over: nobody gets a right
    over other children by a change of the rota.
    """
    lines = list(listed)
    names = names_of(lines)
    on_duty = [line for line in lines if line.role is not None and line.role.startswith(OF_DUTY)]
    places = [line for line in lines if line.role is not None and line.change is None]
    return {
        "taker": {line.person: names[line.person] for line in on_duty},
        "to": {line.person: names[line.person] for line in on_duty},
        "person": names,
        "role": {line.role: words(line.role) for line in on_duty if line.role is not None},
        "place": {
            f"{line.person} {line.role}": f"{names[line.person]}, {words(line.role)}"
            for line in places
            if line.role is not None
        },
    }
