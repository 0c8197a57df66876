"""Lists every deed by name, from `deeds.yaml`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, cast, get_args

from services.safeguarding.child_events.events import Event
from services.safeguarding.contracts import contracts
from services.safeguarding.deeds.answers import NOTE, Answers, Fault, Field, Kind, ask_choice
from services.safeguarding.deeds.deed import DeedSpec
from services.safeguarding.message import Message
from services.safeguarding.notice_fields import ASKED_OF_CARERS
from services.safeguarding.roles import DEEDS, Deed


def _read(
    deed: str,
    *,
    ends: Sequence[str],
    event: str = "care-step.recorded",
    steps: Sequence[str] = (),
    asked_as: str | None = None,
    asks: Mapping[str, Any] | None = None,
    note: bool = True,
    needs: Mapping[str, Mapping[str, object]] | None = None,
    within_hours: int | None = None,
) -> DeedSpec:
    """Each word of the file is an argument, so that an unknown word is refused."""
    contract = cast("type[Event]", contracts()[f"{event}.v1"])
    return DeedSpec(
        Deed(deed),
        contract,
        tuple(ends),
        (
            *([] if asked_as is None else [ask_choice(asked_as, *steps)]),
            *(read_field(name, asked, contract) for name, asked in (asks or {}).items()),
            *([NOTE] if note else []),
        ),
        facts=partial(_step_facts, asked_as, steps) if steps else lambda answers: answers.facts,
        needs=partial(_needs, needs or {}),
        within=None if within_hours is None else timedelta(hours=within_hours),
    )


def read_field(name: str, asked: Any, event: type[Event]) -> Field:
    """As a file of forms writes it. `event` knows the choices of a field that it has."""
    short = {"choices": asked} if isinstance(asked, list) else {"kind": asked}
    return _field(name, event, **(asked if isinstance(asked, dict) else short))


def _field(
    name: str, event: type[Event], *, kind: str = Kind.CHOICE, required: bool = True, choices: Sequence[str] = ()
) -> Field:
    known = (
        ("yes", "no") if kind == Kind.YES_NO else _choices(getattr(event.model_fields.get(name), "annotation", None))
    )
    return Field(name, Kind(kind), required, tuple(choices) or known)


def _choices(annotation: Any) -> tuple[str, ...]:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(annotation)
    return next(filter(None, map(_choices, get_args(annotation))), ())


def _step_facts(name: str | None, steps: Sequence[str], answers: Answers) -> Mapping[str, Any]:
    return {"step": steps[0] if name is None else answers.facts[name]}


def _needs(after: Mapping[str, Mapping[str, object]], answers: Answers) -> Mapping[str, Fault]:
    left_out = (name for name in after if name not in answers.facts and name not in answers.said)
    return {name: Fault.MISSING for name in left_out if after[name].items() <= answers.facts.items()}


def _leave_facts(answers: Answers) -> Mapping[str, Any]:
    return {"expires_on": answers.facts["expires_on"]} if answers.facts["lasts"] == "until-a-day" else {}


def _profile_facts(answers: Answers) -> Mapping[str, Any]:
    return {"changed": answers.facts["profile"] == "filled-in", "photograph": answers.facts["photograph"]}


def _profile_needs(answers: Answers) -> Mapping[str, Fault]:
    is_empty = answers.facts["profile"] == "filled-in" and not answers.said
    return {ASKED_OF_CARERS[0]: Fault.MISSING} if is_empty else {}


def _describe_profile(written: DeedSpec) -> DeedSpec:
    """With a field for each question to carers, in the middle."""
    first, *rest = written.asks
    asks = (first, *(Field(name, Kind.WORDS, required=False) for name in ASKED_OF_CARERS), *rest)
    return replace(written, asks=asks, facts=_profile_facts, needs=_profile_needs, folds=False)


_READ = {Deed(name): _read(name, **about) for name, about in DEEDS.items()}
DEED_SPECS: Mapping[Deed, DeedSpec] = _READ | {
    Deed("leave"): replace(_READ[Deed("leave")], facts=_leave_facts),
    Deed("profile"): _describe_profile(_READ[Deed("profile")]),
}
EVENTS_OF_DEEDS = frozenset(each.kind for each in DEED_SPECS.values())


def deed_of(event: Message | None) -> Deed | None:
    """The deed that the event records. None: no form does."""
    step = str(getattr(event, "step", "")).replace("-", ".")
    of_kind = [each for each in DEED_SPECS.values() if isinstance(event, each.kind)]
    return next(
        (each.deed for each in of_kind if not step or step in {end.replace("-", ".") for end in each.ends}), None
    )
