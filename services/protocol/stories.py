"""Reads stories for tests and `simulate`: a child, an outside world that answers or not, who is told what by when."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from uuid import uuid5

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.protocol.policy.facts import Facts
from services.protocol.policy.rule_language.periods import Length
from services.protocol.rule_file import fault_of_yaml
from services.safeguarding.contracts import contract_of
from services.safeguarding.duty.duties import DutyAccepted, DutyAcknowledged, DutyDelivered, DutyFailed
from services.safeguarding.identifiers import NAMESPACE
from services.safeguarding.message import Message
from services.safeguarding.roles import Role

OUTCOMES: dict[str, type[DutyAccepted | DutyDelivered | DutyAcknowledged | DutyFailed]] = {
    "accepted": DutyAccepted,
    "delivered": DutyDelivered,
    "acknowledged": DutyAcknowledged,
    "failed": DutyFailed,
}
AUTHORITY = "northshire"


def name_in_story(what: str, name: str) -> str:
    """`carer-ann` is the same person in every story."""
    return f"{what}-{uuid5(NAMESPACE, f'story {name}')}"


class Answers(BaseModel):
    """How a role's holder behaves. None: never. Short forms: `silent` accepts and says no more, `nobody` fails."""

    model_config = ConfigDict(extra="forbid")

    accepts: Length | None = timedelta(seconds=2)
    acknowledges: Length | None = None
    fails: Length | None = None
    reason: str = "retries-spent"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, written: Any) -> Any:
        short = {
            "silent": {},
            "unreachable": {"accepts": None},
            "nobody": {"accepts": None, "fails": "1s", "reason": "nobody-in-role"},
        }
        return short[written] if isinstance(written, str) else written


class Happening(BaseModel):
    """An event, or an outcome that the answers do not bring about."""

    model_config = ConfigDict(extra="allow")

    at: Length
    """When it reaches us, counted from the story's beginning."""
    time: Length | None = None
    """When it came about, if earlier."""
    event: str | None = None
    by: str | None = None
    """A carer who texts."""
    becomes: Literal["accepted", "delivered", "acknowledged", "failed"] | None = None
    of: str | None = None
    """The rule whose duty becomes so."""
    step: int | str = 0
    """Of an outcome, the telling's number; of `care-step.recorded`, what was done."""
    record: dict[str, Any] = {}
    """Facts that the register holds from then on, beside the earlier ones."""
    id: str | None = None
    exercise: bool = False

    def content(self) -> Message:
        """The event. Raises ValueError for a kind that does not exist."""
        contract = contract_of(f"{self.event}.v1")
        if contract is None:
            raise ValueError(f"{self.event} is no event")
        fields: dict[str, Any] = dict(self.model_extra or {})
        if "step" in contract.model_fields:
            fields["step"] = self.step
        if "authority" in contract.model_fields:
            fields["authority"] = AUTHORITY
        if self.by is not None:
            fields |= {"said_by": name_in_story("person", self.by), "channel": "text"}
        return contract.model_validate(fields)


def _moment(written: Any) -> Any:
    return written if isinstance(written, datetime) else datetime.fromisoformat(str(written))


class Story(BaseModel):
    """One file of `tests/scenarios/`."""

    model_config = ConfigDict(extra="forbid")

    story: str
    begins: Annotated[datetime, BeforeValidator(_moment)]
    child: Facts
    provisional: bool = False
    answers: dict[Role, Answers] = {}
    happens: list[Happening] = Field(min_length=1)
    until: Length = timedelta(hours=4)
    told: list[str]
    """`5m duty.worker text missing-notice`: exactly these, and nobody else. A `-` before the role: withdrawn."""
    ends: dict[str, str] = {}
    """The states of the episode, and of the duty of a rule, at the end."""

    @property
    def subject(self) -> str:
        return name_in_story("provisional" if self.provisional else "child", self.story)


StoryKind = TypeVar("StoryKind", bound=Story)


def read(path: Path) -> Story:
    """Raises ValueError (pydantic's among them) that names the story's fault, and file and line of what is no YAML."""
    try:
        written = yaml.load(path.read_text(), yaml.CSafeLoader)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(fault_of_yaml(path, error)) from error
    if not isinstance(written, dict):
        raise ValueError(f"{path.name}:1: a story has `story`, `begins`, `child`, `happens` and `told`")  # noqa: TRY004 as others
    return story_of(written, Story)


def story_of(written: dict[str, Any], kind: type[StoryKind]) -> StoryKind:
    """A story as a file writes it, its child one of this story world's authority unless it says otherwise."""
    child = written.get("child") or {}
    if isinstance(child, dict):
        child = {"authority": AUTHORITY, "force": "north-force", **child}
    return kind.model_validate({**written, "child": child})
