"""Records what the protocol decided, and the state of each episode and duty, for the console and the audit.

Records each attempt to carry a duty out, each reading of personal details, and what was disposed of.

Heard by the console and the audit alone: most of the bus's messages are these, and no service that decides anything
should have to pass them over (docs/decisions/0014).
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime, StringConstraints

from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, WordsId
from services.safeguarding.message import Contract, Message, Topic
from services.safeguarding.roles import Channel, Deed, Role, Wording


class Verdict(StrEnum):
    TOLD = "told"
    CONDITION_NOT_MET = "condition-not-met"
    ALREADY_SO = "already-so"
    OUTGROWN = "outgrown"
    TOO_OLD = "too-old"
    UNVERIFIED = "unverified"
    ENDED = "ended"
    CHANGED = "changed"
    WAITS = "waits"
    """Nobody is told yet: all that follows waits for its time, such as working hours."""
    MERGED = "merged"
    """The case of a child nobody knew has become part of this child's."""


class ProtocolDecided(Message, kind="protocol.decided.v1", topic=Topic.EVIDENCE):
    """One decision: on which message, by which rule of which version, citing what."""

    authority: AuthorityId
    episode: UUID | None = None
    about: str
    """Kind of the message decided upon."""
    about_id: str
    rule: str | None = None
    verdict: Verdict
    protocol: str
    cites: tuple[str, ...] = ()
    duty: UUID | None = None
    unknown: tuple[str, ...] = ()
    """Predicates whose answer was not known and counted as yes: the gaps to chase."""


class EpisodeState(StrEnum):
    MISSING = "missing"
    LOCATED = "located"
    RETURNED = "returned"
    CLOSED = "closed"
    RETRACTED = "retracted"
    MERGED = "merged"
    """Another episode of the same child was open already; it goes on in that one."""


OVER = frozenset({EpisodeState.CLOSED, EpisodeState.RETRACTED, EpisodeState.MERGED})
"""Nothing more becomes of an episode in one of these, and nobody waits for anything about it."""


class EpisodeChanged(Message, kind="episode.changed.v1", topic=Topic.DECISIONS):
    """The episode as it now stands."""

    authority: AuthorityId
    force: ForceId | None = None
    episode: UUID
    revision: int
    state: EpisodeState
    candidates: tuple[ChildId, ...] = ()
    opened_at: AwareDatetime
    returned_at: AwareDatetime | None = None
    open_conditions: tuple[str, ...] = ()
    """What must still happen before it may close, such as `safe-and-well-check`."""
    merged_into: UUID | None = None
    """The episode of the same child in which it goes on, where it is `merged`."""
    ends_on_word: bool = False
    """The authority's rules take the word of the child's own carer for a return, without a code."""
    protocol: str


class DutyState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    ACKNOWLEDGED = "acknowledged"
    DONE = "done"
    """What had to be done is recorded."""
    CANCELLED = "cancelled"
    OVERDUE = "overdue"
    """People read "unanswered": told to its last human, who has not answered. It stays on the page until somebody does.
    """


GOES_ON = frozenset({DutyState.OPEN, DutyState.ACCEPTED, DutyState.OVERDUE})
"""Somebody has still to answer, unless `ended_because` is set: a duty may end when the other end accepts it."""
REACHED = frozenset({"accepted", "delivered", "acknowledged"})
"""States of a telling that has come to whom it was for, or to their machine."""


TellingState: TypeAlias = Literal["told", "accepted", "delivered", "acknowledged", "failed", "withdrawn"]


class StepRecord(Contract):
    """One telling of a duty, as it stands."""

    step: int
    role: Role
    person: PersonId | None = None
    channel: Channel
    told_at: AwareDatetime
    state: TellingState
    changed_at: AwareDatetime
    claimed: bool = False
    """Somebody says that they have it, by a text that anybody could have sent. It is not `acknowledged` by that."""


class DutyChanged(Message, kind="duty.changed.v1", topic=Topic.EVIDENCE):
    """The duty as it now stands: who has been told, who has answered, and what comes next, when."""

    authority: AuthorityId
    episode: UUID | None = None
    duty: UUID
    force: ForceId | None = None
    """Whose control room is told, where one is."""
    revision: int
    rule: str
    wording: Wording
    deed: Deed | None = None
    """What ends the duty when it is recorded."""
    state: DutyState
    ended_because: str | None = None
    steps: tuple[StepRecord, ...]
    next_step_at: AwareDatetime | None = None
    next_role: Role | None = None
    protocol: str
    cites: tuple[str, ...]

    @property
    def goes_on(self) -> bool:
        return self.state in GOES_ON and self.ended_because is None


class MessageDecided(Message, kind="message.decided.v1", topic=Topic.EVIDENCE):
    """Everything that one message brought about: each rule's verdict on it, and the duties that it changed.

    Messages about one child that were decided upon together share it. `duties` as they stand afterwards, each once.
    """

    authority: AuthorityId
    about: str
    """Kind of the message decided upon."""
    about_id: str
    with_ids: tuple[str, ...] = ()
    """Messages decided upon together with it, right afterwards. Each verdict says which message it is about."""
    verdicts: tuple[ProtocolDecided, ...] = ()
    duties: tuple[DutyChanged, ...] = ()


class ReportTaken(Message, kind="report.taken.v1", topic=Topic.DECISIONS):
    """Who has the report by now: what a carer who asks is told. Said again as often as a duty changes that shows it."""

    authority: AuthorityId
    episode: UUID
    by: Literal["police-system", "officer", "duty-team"]
    """The report was sent, and a police system took it, but nobody has read it; an officer said that they have it;
    somebody on duty did.
    """
    holds: bool = True
    """False: no longer. The person who had it has let it lie, and the next person is being asked."""


class MessageDeadLettered(Message, kind="message.dead-lettered.v1", topic=Topic.DEAD_LETTERS):
    """A message that a service could not work on. `origin` names it for ever: topic, partition and offset."""

    service: str
    origin: str
    reason: str
    """The error's class and where it rose. Never its text, which may hold what the message held."""
    original_kind: str | None = None
    original_id: str | None = None
    original: str | None
    """The message's bytes, base64. None where there are too many for a letter: they lie at the origin for as long as
    its topic keeps them.
    """

    @property
    def is_about_a_letter(self) -> bool:
        return self.original_kind == self.kind


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
