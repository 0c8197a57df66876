"""Records each attempt to carry a duty out, each reading of personal details, and what was disposed of.

Heard by the console and the audit alone: most of the bus's messages are these, and no service that decides anything
should have to pass them over (docs/decisions/0014).
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from services.safeguarding.identifiers import AuthorityId, PersonId, WordsId
from services.safeguarding.message import Contract, Message, Topic


class AttemptResult(StrEnum):
    ACCEPTED = "accepted"
    RETRY = "retry"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"


class Evidence(Message, topic=Topic.EVIDENCE):
    """Decides nothing: no duty waits for it."""

    authority: AuthorityId


class DeliveryAttempted(Evidence, kind="delivery.attempted.v1"):
    """One attempt, for the audit: to whom, of what bytes, with what result."""

    delivery: UUID
    duty: UUID | None = None
    step: int | None = None
    attempt: int
    medium: Literal["webhook", "text", "email", "voice", "poll"]
    way: Literal["twilio", "notify"] | None = None
    """By which of the two a text went."""
    result: AttemptResult
    status: int | None = None
    """The HTTP or SMTP status, or the provider's error code."""
    took_ms: int
    person: PersonId | None = None
    body_hash: str
    """Keyed hash of the bytes sent."""
    purpose: str | None = None
    looked_up: tuple[str, ...] = ()
    """The fields of the register that were read to prepare it, with the first attempt that is recorded. Never their
    values.
    """


class DeliveriesAttempted(Evidence, kind="deliveries.attempted.v1"):
    """Attempts about one child that one service recorded together."""

    attempts: tuple[DeliveryAttempted, ...]


class RulesTakenUp(Evidence, kind="rules.taken-up.v1"):
    """New rules of an authority, or of everybody (`default`), are in force. They lie in `protocol.editions` under this
    number, with the name of their adopter; the hash shows any change. The envelope's subject is no child but `rules-`
    and the authority.
    """

    edition: int
    """Those of one authority count from 1."""
    hash: str
    """SHA-256 of the files."""
    adopted: bool
    """A file says who adopted them."""
    effective_from: date
    """The first day on which any of them holds."""


class TableChanged(Contract):
    """How many rows of a table of the register an import changed."""

    table: str
    rows: int


class RegisterImported(Evidence, kind="register.imported.v1"):
    """An import changed an authority's register, or confirmed it. `casework.import_changes` says which fields of which
    rows, and holds what undoes it. The envelope's subject is no child but `register-` and the authority.
    """

    record: UUID
    actor: str
    """The credential's id, or the account of who undid an import."""
    tables: tuple[TableChanged, ...]
    sha256: str | None = None
    """Of the file."""
    undoes: UUID | None = None
    """The import that was undone."""


class RegisterLookedUp(Evidence, kind="register.looked-up.v1"):
    """Personal details were read, which fields and what for. Never their values."""

    purpose: str
    fields: tuple[str, ...]
    person: PersonId | None = None
    delivery: UUID | None = None
    officer: WordsId | None = None
    """The words in which an officer said who they are, before they read a notice by a link."""


class RecordDisposed(Message, kind="record.disposed.v1", topic=Topic.EVIDENCE):
    """Rows whose time was over were deleted, of every authority together. The envelope's subject is no child but
    `record-` and the record's name.
    """

    record: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$")]
    """Its name in `retention.yaml`, which says for how long it is kept."""
    table: str
    rows: int
    before: datetime
    """What its time is counted from was before this moment, wall time."""
