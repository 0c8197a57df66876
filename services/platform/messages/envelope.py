"""Writes and reads the CloudEvents 1.0 envelope (structured JSON). `source` and `id` identify a message for ever.

A message that cannot be processed is kept as Kafka gave it, and a dead letter made about it.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Generic, Literal, TypeVar, cast
from uuid import uuid4

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StrictStr,
    ValidationError,
    create_model,
)

from services.safeguarding.contracts import contract_of
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.identifiers import trace_of
from services.safeguarding.message import Message, Topic
from services.safeguarding.working_time import AS_IT_WAS_SAID

PREFIX = "/safe-return/"
FAULTS = {"time": "time: an RFC 3339 time with its zone is needed", "subject": "subject: the child's id is needed"}
NO_JSON = {RecursionError: "the message is nested too deeply", UnicodeDecodeError: "the message is not UTF-8"}

M_co = TypeVar("M_co", bound=Message, covariant=True)


class Unreadable(Exception):
    """The bytes hold no message of ours. `reason` names the field where there is one, never its value."""

    def __init__(self, reason: str, *, kind: str | None = None, message_id: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.message_id = message_id


@dataclass(frozen=True, slots=True)
class Received(Generic[M_co]):
    """A message as it came. `subject` is the child's id; `time` is aware. Without a trace of its own it begins one."""

    source: str
    id: str
    subject: str
    time: datetime
    content: M_co
    exercise: bool = False
    trace: str | None = None
    origin: str = ""
    raw: bytes = b""
    """The bytes that travelled, for who keeps them as evidence."""

    @property
    def content_hash(self) -> bytes:
        parts = [self.content.kind, self.subject, self.time.isoformat(), self.content.model_dump_json()]
        return hashlib.sha256("\x1f".join(parts).encode()).digest()


def compose(
    content: Message,
    *,
    said_by: str,
    subject: str,
    at: datetime,
    message_id: str | None = None,
    source: str | None = None,
    exercise: bool = False,
    trace: str | None = None,
) -> bytes:
    """The bytes that travel. `said_by` is the service; `at` must be aware. `message_id` is fresh where none is given.

    `source` is given for an agency's own event, which keeps the source and id under which the agency knows it.
    """
    if at.tzinfo is None:
        raise ValueError(FAULTS["time"])
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": message_id or str(uuid4()),
        "source": source or PREFIX + said_by,
        "type": content.kind,
        "subject": subject,
        "time": at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
    }
    if exercise:
        attributes["exercise"] = True
    if trace is not None:
        attributes["traceparent"] = trace
    return f'{json.dumps(attributes)[:-1]}, "data": {content.model_dump_json(exclude_defaults=True)}}}'.encode()


def kind_of(raw: bytes) -> str:
    """The message's kind, without reading the rest. Raises Unreadable."""
    try:
        return _Kind.model_validate_json(raw).type
    except ValidationError as error:
        _attributes(raw)  # says what is wrong with the bytes, where they are at fault
        if error.errors()[0]["type"] == "json_invalid":
            raise Unreadable(NO_JSON[RecursionError]) from None
        raise Unreadable("type: a string is needed") from None


def read(raw: bytes, *, topic: Topic | None = None, origin: str = "") -> Received[Message]:
    """Raises Unreadable unless it is a CloudEvent of a known kind (on `topic`, if given) that fulfils its contract."""
    kind = kind_of(raw)
    contract = contract_of(kind, topic)
    if contract is None:
        msg = "type: no event of this kind is known here"
        raise Unreadable(msg, kind=kind, message_id=_id_of(raw))
    try:
        # A later version may say more, while an upgrade rolls: decision 91.
        event = cast("Any", _envelope_around(contract).model_validate_json(raw, context=AS_IT_WAS_SAID, extra="ignore"))
    except ValidationError as error:
        raise Unreadable(_first_fault(error), kind=kind, message_id=_id_of(raw)) from None
    return Received(
        source=event.source,
        id=event.id,
        subject=event.subject,
        time=event.time,
        content=event.data,
        exercise=event.exercise is True,
        trace=event.traceparent or trace_of(event.source, event.id),
        origin=origin,
        raw=raw,
    )


def with_lateness(raw: bytes, seconds: int) -> bytes:
    """The same message, saying how late the clock published it. The extension is no part of the content's hash."""
    attributes = _attributes(raw)
    attributes["lateseconds"] = seconds
    return json.dumps(attributes).encode()


def _refuse_timestamps(value: object) -> object:
    """Pydantic takes a number, and "1700000000", for a time."""
    if not isinstance(value, str) or value[4:5] != "-":
        raise ValueError(FAULTS["time"])
    return value


class _Kind(BaseModel):
    type: StrictStr


class _Envelope(BaseModel):
    """The attributes that are read; others are passed over."""

    model_config = ConfigDict(extra="ignore", strict=True)

    specversion: Literal["1.0"]
    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    time: Annotated[AwareDatetime, Strict(False), BeforeValidator(_refuse_timestamps)]
    exercise: Any = None
    traceparent: str | None = None


@cache
def _envelope_around(contract: type[Message]) -> type[_Envelope]:
    """One model of envelope and content, so that pydantic parses the bytes once."""
    return create_model(
        f"EnvelopeAround{contract.__name__}",
        __base__=_Envelope,
        data=(contract, Field(default={}, validate_default=True)),
    )


def _attributes(raw: bytes) -> dict[str, Any]:
    """All of them, slowly: for bytes that are to be changed, or that are at fault. Raises Unreadable."""
    try:
        attributes = json.loads(raw.decode())
    except (RecursionError, ValueError) as error:
        raise Unreadable(NO_JSON.get(type(error), "the message is not JSON")) from None
    if not isinstance(attributes, dict):
        raise Unreadable("the message is not a JSON object")
    return cast("dict[str, Any]", attributes)


def _id_of(raw: bytes) -> str | None:
    message_id = _attributes(raw).get("id")
    return message_id if isinstance(message_id, str) else None


def _first_fault(error: ValidationError) -> str:
    """Names the field, never its value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = [str(part) for part in first["loc"]]
    if place[:1] == ["data"]:
        return f"{'.'.join(place)}: {first['msg']}"
    return FAULTS.get(place[0], f"{place[0]}: missing, or not as CloudEvents 1.0 wants it")


ORIGINAL_BYTES_MOST = 256 * 1024
"""Kafka takes no message over 1 MB, and base64 adds a third."""


@dataclass(frozen=True, slots=True)
class Raw:
    """`origin` says where it stood: topic, partition and offset. After a loss at Kafka another may stand there."""

    content: bytes
    topic: Topic
    origin: str

    @property
    def identity(self) -> str:
        """Identifies this message at this place."""
        return f"{self.origin}/{hashlib.sha256(self.content).hexdigest()}"


def letter_about(
    raw: Raw, *, service: str, reason: str, kind: str | None, message_id: str | None
) -> MessageDeadLettered:
    """Holds the message itself unless it is too large. Omits an unknown kind, which its sender may have made up."""
    return MessageDeadLettered(
        service=service,
        origin=raw.origin,
        reason=reason,
        original_kind=kind if kind is not None and contract_of(kind) else None,
        original_id=message_id,
        original=base64.b64encode(raw.content).decode() if len(raw.content) <= ORIGINAL_BYTES_MOST else None,
    )
