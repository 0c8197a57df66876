"""Reads an agency's event, and checks that the agency may send it. Pure."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from services.safeguarding import identifiers
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import (
    AgeDetermined,
    ChildTransferred,
    DutyHandOverAsked,
    EpisodeProtocolMoved,
)
from services.safeguarding.message import CONTRACTS
from services.safeguarding.notice_fields import ReportQuestion
from services.safeguarding.working_time import Day

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
AHEAD = timedelta(minutes=5)
"""How far an agency's clock may be ahead of ours."""
NOT_AN_AGENCYS = (events.TextNeedsHuman, events.PoliceReferenceTexted, EpisodeProtocolMoved, DutyHandOverAsked)
GOES_WITH: Mapping[str, tuple[type[events.Told], str]] = {
    "moves_to": (ChildTransferred, "the receiving authority's reference of a placement"),
    "date_of_birth": (AgeDetermined, "a day, such as 2010-06-01"),
}
"""Fields for the register alone, each with its kind of event and its form."""
WITH_DETAILS = (events.ChildReportedMissing, events.ChildInformationReceived)
"""The kinds that may answer a control room's questions, besides words."""
OURS = (
    "authority", "said_by", "corrects_event", "channel", "proof", "candidates", "placement", "carer", "episode", "duty",
)  # fmt: skip
TRACE = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
MOMENT = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$", re.ASCII)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
SOURCE = re.compile(r"^[!-~]{1,200}$")
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"


class Defect(Enum):
    """Whether an event is no CloudEvent, has wrong content, or may not be sent by this agency."""

    ENVELOPE = "envelope"
    CONTENT = "content"
    NOT_ALLOWED = "not-allowed"


class InvalidEvent(Exception):
    """`field` is the place, `wanted` the correct form. Neither repeats the wrong value."""

    def __init__(self, wrong: Defect, field: str, wanted: str) -> None:
        super().__init__(field)
        self.wrong = wrong
        self.field = field
        self.wanted = wanted


def _moment(value: object) -> object:
    """Pydantic alone would take a number for seconds since 1970."""
    if not isinstance(value, str) or MOMENT.match(value) is None:
        raise ValueError
    return value


class Envelope(BaseModel):
    """The attributes of a CloudEvent 1.0 in structured JSON that are read. Other extensions are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)

    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")
    """Identifies repetitions and is in the answer. It may be a name, so it never travels: the bus has `message_id`."""
    source: str = Field(min_length=1, max_length=200, pattern=PRINTABLE)
    type: str = Field(min_length=1, max_length=200, pattern=PRINTABLE)
    subject: str = Field(min_length=1, max_length=200, pattern=PRINTABLE)
    """Our child id, `<authority>/<the authority's reference>`, or what the agency calls the child."""
    time: Annotated[AwareDatetime, BeforeValidator(_moment)] = Field(strict=False)
    datacontenttype: str = Field(default="application/json", pattern=r"^application/json($|;)")
    data: dict[str, Any] = Field(default_factory=dict)
    exercise: bool = False
    traceparent: str | None = None


class EventWords(BaseModel):
    """The content for the register, which never travels."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    words: tuple[Text, ...] = Field(default=(), max_length=10)
    details: dict[ReportQuestion, Text] = {}
    moves_to: Reference | None = None
    """For a transfer: the receiving authority's reference of the child's next placement."""
    date_of_birth: Day | None = None
    """As an assessment of age has found it."""


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A JSON object with a source. Nothing else in it has been checked."""

    attributes: dict[str, Any]
    source: str
    content_hash: bytes
    """Does not depend on the order and spacing of the JSON."""


@dataclass(frozen=True, slots=True)
class AgencyEvent:
    envelope: Envelope
    kind: type[events.Told]
    said: EventWords
    content_hash: bytes


def parse(body: bytes) -> RawEvent:
    """Raises InvalidEvent."""
    try:
        attributes = json.loads(body.decode(), object_pairs_hook=_each_once)
        canonical = json.dumps(attributes, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeDecodeError:
        raise InvalidEvent(Defect.ENVELOPE, "", "the body must be UTF-8") from None
    except RecursionError:
        raise InvalidEvent(Defect.ENVELOPE, "", "the body must not be nested so deeply") from None
    except ValueError:
        raise InvalidEvent(Defect.ENVELOPE, "", "the body must be JSON") from None
    if not isinstance(attributes, dict):
        raise InvalidEvent(Defect.ENVELOPE, "", "the body must be one JSON object, a CloudEvent in structured mode")
    source = attributes.get("source")
    if not isinstance(source, str) or SOURCE.match(source) is None:
        raise InvalidEvent(
            Defect.ENVELOPE, "source", "the source that was agreed, such as /agencies/northmoor-hospital"
        )
    return RawEvent(attributes, source, hashlib.sha256(canonical).digest())


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises InvalidEvent for a name that is there twice: two readers may take different values."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidEvent(Defect.ENVELOPE, "", "the body must have each name once")
    return found


def read(parsed: RawEvent, *, may_say: Collection[str], now: datetime) -> AgencyEvent:
    """`may_say` is the agency's list of kinds. `now` is story time. Raises InvalidEvent."""
    attributes = parsed.attributes
    if "data_base64" in attributes:
        raise InvalidEvent(Defect.ENVELOPE, "data_base64", "the content goes into data, as a JSON object")
    try:
        envelope = Envelope.model_validate(attributes)
        said = EventWords.model_validate(envelope.data)
    except ValidationError as error:
        raise _wrong(error, Defect.ENVELOPE) from None
    if not EARLIEST <= envelope.time <= now + AHEAD:
        raise InvalidEvent(
            Defect.CONTENT, "time", "the time at which it happened, neither in the future nor before 2000"
        )
    kind = CONTRACTS.get(envelope.type)
    if kind is None:
        raise InvalidEvent(
            Defect.CONTENT, "type", "a kind of event that is known here, such as child.reported-missing.v1"
        )
    if not issubclass(kind, events.Told) or issubclass(kind, NOT_AN_AGENCYS):
        raise InvalidEvent(
            Defect.NOT_ALLOWED, "type", "a kind that an agency may say: this one is said by Safe Return alone"
        )
    if kind.kind not in may_say:
        raise InvalidEvent(Defect.NOT_ALLOWED, "type", "a kind on this agency's list")
    ours = next((name for name in OURS if name in envelope.data), None)
    if ours is not None:
        raise InvalidEvent(Defect.CONTENT, f"data.{ours}", "nothing: Safe Return sets this field")
    if "details" in envelope.data and not issubclass(kind, WITH_DETAILS):
        raise InvalidEvent(
            Defect.CONTENT, "data.details", "nothing: they go with a report of a missing child, or news of one"
        )
    misplaced = next((name for name, of in GOES_WITH.items() if name in envelope.data and kind is not of[0]), None)
    if misplaced is not None:
        raise InvalidEvent(Defect.CONTENT, f"data.{misplaced}", f"nothing: it goes with {GOES_WITH[misplaced][0].kind}")
    return AgencyEvent(envelope, kind, said, parsed.content_hash)


def content_of(
    event: AgencyEvent, *, authority: str, words: tuple[str, ...], proof: events.Proof | None, now: datetime
) -> events.Told:
    """The message for the bus. `words` are the ids of the words in the register. Raises InvalidEvent."""
    ours: dict[str, Any] = {"authority": authority, "words": list(words)}
    if "proof" in event.kind.model_fields:
        ours["proof"] = proof
    said = {name: value for name, value in event.envelope.data.items() if name not in EventWords.model_fields}
    try:
        content = event.kind.model_validate_json(json.dumps(said | ours))
    except ValidationError as error:
        raise _wrong(error, Defect.CONTENT, "data.") from None
    last_seen_at = content.last_seen_at if isinstance(content, events.ChildReportedMissing) else None
    if last_seen_at is not None and last_seen_at > now + AHEAD:
        raise InvalidEvent(
            Defect.CONTENT, "data.last_seen_at", "the time at which the child was last seen, which is not in the future"
        )
    return content


def message_id(envelope: Envelope) -> str:
    """The event's id on the bus. The agency's own may be somebody's name, so it stays with the answer."""
    return str(identifiers.derived("agency event", envelope.source, envelope.id))


def trace_of(envelope: Envelope) -> str:
    """The agency's trace context; a new one if it is missing or malformed, since a report is never refused for that."""
    if envelope.traceparent and TRACE.match(envelope.traceparent):
        return envelope.traceparent
    return identifiers.trace_of("agency event", envelope.source, envelope.id)


def provisional_child(envelope: Envelope) -> str:
    return identifiers.provisional_child(f"{envelope.source} {envelope.id}")


def _wrong(error: ValidationError, wrong: Defect, prefix: str = "") -> InvalidEvent:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if where.startswith("words"):
        return InvalidEvent(Defect.CONTENT, f"data.{where}", "up to ten texts of 1 to 2000 characters")
    if where.startswith("details"):
        named = next((each for each in ReportQuestion if each in first["loc"]), None)
        wanted = "texts of 1 to 2000 characters, by the names of docs/integrating/agencies.md"
        return InvalidEvent(Defect.CONTENT, "data.details" if named is None else f"data.details.{named}", wanted)
    if where in GOES_WITH:
        return InvalidEvent(Defect.CONTENT, f"data.{where}", GOES_WITH[where][1])
    if where == "id":
        return InvalidEvent(wrong, "id", "1 to 200 ASCII characters without a space, such as a UUID, and never a name")
    if where == "time":
        return InvalidEvent(wrong, "time", "an RFC 3339 time with its zone, such as 2026-11-24T22:10:00Z")
    return InvalidEvent(wrong, prefix + where, first["msg"].removeprefix("Value error, "))
