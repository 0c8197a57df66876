"""CloudEvents 1.0 in structured JSON around every message. `source` and `id` identify a message for ever."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast
from uuid import uuid4

from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import ValidationError

from services.safeguarding.contracts import contract_of
from services.safeguarding.dates import AS_IT_WAS_SAID
from services.safeguarding.identifiers import trace_of
from services.safeguarding.message import Message, Topic

FORMAT = JSONFormat()
PREFIX = "/safe-return/"
NO_TIME = "time: an RFC 3339 time with its zone is needed"
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
    """A message as it came. `trace` begins with it where it brings none. `subject` is the child's id; `time` is aware, and is when the thing happened."""

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
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": message_id or str(uuid4()),
        "source": source or PREFIX + said_by,
        "type": content.kind,
        "subject": subject,
        "time": at,
        "datacontenttype": "application/json",
    }
    if exercise:
        attributes["exercise"] = True
    if trace is not None:
        attributes["traceparent"] = trace
    return FORMAT.write(CloudEvent(attributes, content.model_dump(mode="json", exclude_defaults=True)))


def kind_of(raw: bytes) -> str:
    """The message's kind, without reading the rest. Raises Unreadable."""
    kind = _parsed(raw).get("type")
    if not isinstance(kind, str):
        msg = "type: a string is needed"
        raise Unreadable(msg)
    return kind


def read(raw: bytes, *, topic: Topic | None = None, origin: str = "") -> Received[Message]:
    """Raises Unreadable for anything but a CloudEvent of a known kind (on `topic`, where given) whose content fulfils its contract."""
    attributes = _parsed(raw)
    kind, message_id = attributes.get("type"), attributes.get("id")
    known = {
        "kind": kind if isinstance(kind, str) else None,
        "message_id": message_id if isinstance(message_id, str) else None,
    }
    contract = contract_of(kind, topic) if isinstance(kind, str) else None
    if contract is None:
        msg = "type: no event of this kind is known here"
        raise Unreadable(msg, **known)
    try:
        event = FORMAT.read(CloudEvent, raw)
        content = contract.model_validate_json(json.dumps(event.get_data() or {}), context=AS_IT_WAS_SAID)
    except CloudEventValidationError as error:
        raise Unreadable(_first_fault(error), **known) from None
    except ValidationError as error:
        raise Unreadable(_first_place(error), **known) from None
    except (ValueError, TypeError, OverflowError):
        raise Unreadable(NO_TIME, **known) from None
    subject, time = event.get_subject(), event.get_time()
    if not subject:
        msg = "subject: the child's id is needed"
        raise Unreadable(msg, **known)
    if time is None or time.tzinfo is None:
        raise Unreadable(NO_TIME, **known)
    return Received(
        source=event.get_source(),
        id=event.get_id(),
        subject=subject,
        time=time,
        content=content,
        exercise=event.get_extension("exercise") is True,
        trace=event.get_extension("traceparent") or trace_of(event.get_source(), event.get_id()),
        origin=origin,
        raw=raw,
    )


def with_lateness(raw: bytes, seconds: int) -> bytes:
    """The same message, saying how late the clock published it. The extension is no part of the content's hash."""
    attributes = _parsed(raw)
    attributes["lateseconds"] = seconds
    return json.dumps(attributes).encode()


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        attributes = json.loads(raw.decode())
    except (RecursionError, ValueError) as error:
        raise Unreadable(NO_JSON.get(type(error), "the message is not JSON")) from None
    if not isinstance(attributes, dict):
        msg = "the message is not a JSON object"
        raise Unreadable(msg)
    return cast("dict[str, Any]", attributes)


def _first_fault(error: CloudEventValidationError) -> str:
    attribute = next(iter(error.errors), "specversion")
    return f"{attribute}: missing, or not as CloudEvents 1.0 wants it"


def _first_place(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"data.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
