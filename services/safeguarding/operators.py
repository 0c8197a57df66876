"""Names operators' roles, and records each act. Names and reasons are kept elsewhere: the bus carries ids."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import StringConstraints

from services.safeguarding.identifiers import AuthorityId, WordsId
from services.safeguarding.message import Message, Topic
from services.safeguarding.roles import Deed

AccountId = Annotated[str, StringConstraints(pattern=r"^account-[0-9a-f-]{36}$")]


class OperatorRole(StrEnum):
    """What somebody signs in as. Which role may do what stands in `services.console.policy.access`."""

    DUTY_MANAGER = "duty-manager"
    SOCIAL_WORKER = "social-worker"
    OPERATOR = "operator"
    """Keeps the system going: sends again, redrives, exercises. Reads no word about a child."""
    AUDITOR = "auditor"
    """Reads everything that pages show, changes nothing."""
    SCREEN = "screen"
    """A screen on a wall, of no person: shows every page, reads no word, changes nothing."""
    ADMINISTRATOR = "administrator"
    """Makes, limits and ends the accounts of their authorities. Reads nothing about a child."""


class OperatorAct(StrEnum):
    REPORTED = "reported"
    IDENTIFIED = "identified"
    KEPT_APART = "kept-apart"
    """Said that a report without a name is of another child than the one whom the same phone reported."""
    TAKEN = "taken"
    INFORMED = "informed"
    NOTED = "noted"
    UNDONE = "undone"
    ACKNOWLEDGED_FOR = "acknowledged-for"
    PHONED = "phoned"
    LOCATED = "located"
    RETURNED = "returned"
    RETURN_RETRACTED = "return-retracted"
    REPORT_RETRACTED = "report-retracted"
    DISCUSSION_REDATED = "discussion-redated"
    DISCUSSION_CANCELLED = "discussion-cancelled"
    DISCUSSION_CORRECTED = "discussion-corrected"
    SENT_AGAIN = "sent-again"
    DEAD_LETTER_REDRIVEN = "dead-letter-redriven"
    EXERCISE_STARTED = "exercise-started"
    CHILD_REVEALED = "child-revealed"
    GLASS_BROKEN = "glass-broken"
    """Was told who a child of another authority is."""
    SUBJECT_ACCESS_GIVEN = "subject-access-given"
    """Drew everything that is held about a child or a person, to give it to them."""
    CHILD_VIEWED = "child-viewed"
    """Opened the page of a child, with words and numbers on it."""
    CHILD_FOUND = "child-found"
    """Found a child by its home, a carer's name or a police reference."""
    SHIFT_COVERED = "shift-covered"
    LEAVE_ENTERED = "leave-entered"
    SHIFT_ADDED = "shift-added"
    SHIFT_HANDED_OVER = "shift-handed-over"
    SHIFT_ACCEPTED = "shift-accepted"
    CALENDAR_READ = "calendar-read"
    CONTACT_CORRECTED = "contact-corrected"
    RETURN_DRAWN = "return-drawn"
    ROTA_CHANGE_ENDED = "rota-change-ended"
    CONNECTION_TESTED = "connection-tested"
    HOLD_MADE = "hold-made"
    HOLD_ENDED = "hold-ended"
    ERASURE_ASKED = "erasure-asked"
    ERASURE_WITHDRAWN = "erasure-withdrawn"
    ERASURE_APPROVED = "erasure-approved"
    """Of a child or a carer; or of an authority's key, under its subject."""


class Access(StrEnum):
    """What happened to somebody's access to the console."""

    SIGNED_IN = "signed-in"
    REFUSED = "refused"
    PROVED = "proved-again"
    UNANSWERED = "provider-unanswered"
    """They stay signed in, though their organisation's provider does not say that they may."""
    SIGNED_OUT = "signed-out"
    SIGNED_OUT_BY_PROVIDER = "signed-out-by-provider"
    SECOND_FACTOR_SET = "second-factor-set"
    COMMAND_CODE_GIVEN = "command-code-given"
    ACCOUNT_MADE = "account-made"
    ACCOUNT_LIMITED = "account-limited"
    ACCOUNT_RESET = "account-reset"
    ACCOUNT_ENDED = "account-ended"


class Because(StrEnum):
    """Why somebody was refused."""

    CREDENTIALS = "wrong-name-password-or-code"
    ENDED = "account-ended"
    NO_GROUP = "in-no-group-that-is-mapped"
    NO_SECOND_FACTOR = "no-second-factor"
    INVALID = "answer-not-valid"


class AccessRecorded(Message, kind="access.recorded.v1", topic=Topic.EVIDENCE):
    """Somebody signed in or out, was refused, or an account was changed. The subject of the envelope is the account;
    of a name that nobody has, `account-unknown`: what was typed is kept nowhere.
    """

    what: Access
    because: Because | None = None
    account: AccountId | None = None
    by: AccountId | None = None
    """The administrator who did it. None: the person themself, or a command on the server."""
    provider: str | None = None
    """The organisation that signed them in. None: a local account."""
    role: OperatorRole | None = None
    authorities: tuple[str, ...] = ()
    """What the account then had."""


class OperatorActed(Message, kind="operator.acted.v1", topic=Topic.EVIDENCE):
    """Somebody acted at the console, or by a command that names them. What it brought about is a message of its own
    (`said`); this says who did it, and why.
    """

    authority: AuthorityId | None = None
    """None where the act was about a message that nobody could read."""
    act: OperatorAct | Deed
    """A deed: they recorded that it is done."""
    account: AccountId
    role: OperatorRole
    """The role that the account had when it acted."""
    episode: UUID | None = None
    duty: UUID | None = None
    step: int | None = None
    letter: str | None = None
    """The dead letter's id."""
    words: tuple[WordsId, ...] = ()
    """The reason given, kept encrypted in the register."""
    said: tuple[str, ...] = ()
    """Ids of the messages that the act brought about."""


class OrganisationChanged(Message, kind="organisation.changed.v1", topic=Topic.EVIDENCE):
    """A step in changing what is held of a force or an agency: its address, keys, certificates. Never their values. The
    envelope's subject is no child but `force-`, `agency-` or `authority-` and the organisation.
    """

    step: Literal[
        "entered", "proposed", "approved", "asked-back", "taken-back", "key-destruction-asked",
        "key-destroyed", "credential-made", "credential-withdrawn", "live", "left", "numbered",
    ]  # fmt: skip
    """Entered: in force at once, since nothing was held of it before; an authority is not live yet. Asked back: a
    second person is to take an approved version back. Key destroyed: what was encrypted for an authority can be read no
    more. Live: its real reports are taken. Left: its rows are disposed, which one person proposed and another did.
    Numbered: its own numbers for texts were set.
    """
    version: UUID | None = None
    """Of a force, or an agency's change."""
    account: AccountId
    fields: tuple[str, ...] = ()
    """Names of those that change; of a credential, its id; of an exit, the SHA-256 of its manifest, and of how its
    chains ended.
    """
    effective_at: datetime | None = None
    """Wall time, from which an approved version holds."""
