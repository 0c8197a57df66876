"""Lists the kinds that each service hears and says: AsyncAPI's operations are rendered from it.

Stated here, since a document is rendered without starting a service; tests/contract/test_schemas.py holds it against
what each service subscribes to when it is put together, and against the messages that its code makes.
"""

from collections.abc import Iterable

from services.protocol.handlers import HEARD
from services.safeguarding.child_events import care_events, contact_events, discussion_events, events, plan_events
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import (
    EpisodeChanged,
    MessageDeadLettered,
    MessageDecided,
    ReportTaken,
)
from services.safeguarding.duty.duties import (
    CarerAlert,
    Duty,
    DutySendAgain,
    PoliceNotify,
    ProfessionalNotify,
    StrategyInvite,
)
from services.safeguarding.duty.evidence import (
    DeliveriesAttempted,
    DeliveryAttempted,
    RegisterLookedUp,
    RulesTakenUp,
)
from services.safeguarding.duty.outcomes import (
    DutyAccepted,
    DutyAcknowledged,
    DutyDelivered,
    DutyFailed,
    DutyOutcomes,
    StrategyDiscussionChanged,
)
from services.safeguarding.message import Message
from services.safeguarding.operators import AccessRecorded, OperatorActed

Kinds = tuple[type[Message], ...]

SENDING: Kinds = (
    DutyAccepted,
    DutyDelivered,
    DutyFailed,
    DutyOutcomes,
    DeliveryAttempted,
    DeliveriesAttempted,
    RegisterLookedUp,
    contact_events.ContactUnreachable,
)
"""What every service says that sends things (services.platform.delivery)."""


def every(of: type[Message]) -> Kinds:
    return tuple(each for each in contracts().values() if issubclass(each, of))


def _without(kinds: Iterable[type[Message]], *left_out: type[Message]) -> Kinds:
    return tuple(each for each in kinds if each not in left_out)


OPERATORS_OWN: Kinds = (care_events.EpisodeProtocolMoved, care_events.DutyHandOverAsked)
"""What a person at the console says, and no agency."""

HEARS: dict[str, Kinds] = {
    "casework": (),
    "carers": (CarerAlert, DutySendAgain, EpisodeChanged, ReportTaken),
    "protocol": HEARD,
    "police": (PoliceNotify, DutySendAgain),
    "professionals": (ProfessionalNotify, DutySendAgain, DutyAcknowledged),
    "strategy": (
        StrategyInvite,
        DutySendAgain,
        discussion_events.StrategyDiscussionRedated,
        discussion_events.StrategyDiscussionCancelled,
        discussion_events.StrategyDiscussionHeld,
        EpisodeChanged,
    ),
    "clock": (),
    "audit": tuple(contracts().values()),
    "console": _without(contracts().values(), ReportTaken),
}
"""Every service that hears anything also says dead letters."""

SAYS: dict[str, Kinds] = {
    "casework": (
        *_without(every(events.Told), events.TextNeedsHuman, events.PoliceReferenceTexted, *OPERATORS_OWN),
        events.ChildProvisional,
        contact_events.ContactListed,
        contact_events.ContactUnlisted,
    ),
    "carers": (
        events.ChildReportedMissing,
        events.ChildInformationReceived,
        events.ChildLocated,
        events.ChildReturned,
        events.ReportRetracted,
        events.ChildReturnClaimed,
        events.MissingRetractionClaimed,
        events.ChildLocationClaimed,
        events.ChildLuringSuspected,
        events.LocationEnquiryReceived,
        events.PoliceReferenceTexted,
        events.TextNeedsHuman,
        events.ChildProvisional,
        care_events.ChildIdentified,
        care_events.CarerAwarenessRecorded,
        DutyAcknowledged,
        *SENDING,
    ),
    "protocol": (*every(Duty), MessageDecided, EpisodeChanged, ReportTaken, DutyFailed, RulesTakenUp),
    "police": (
        *every(events.PoliceReply),
        events.PoliceNoticeHasGaps,
        events.PoliceListDiffers,
        events.ChildInformationReceived,
        events.ChildLocated,
        events.ChildReturned,
        events.SafeAndWellCheckRecorded,
        events.TextNeedsHuman,
        OperatorActed,
        DutyAcknowledged,
        *SENDING,
    ),
    "professionals": (DutyAcknowledged, events.TextNeedsHuman, *SENDING),
    "strategy": (
        discussion_events.StrategyQuorumReached,
        discussion_events.StrategyWithoutQuorum,
        discussion_events.StrategyCounterProposed,
        discussion_events.StrategyRecordDue,
        discussion_events.StrategyDiscussionHeld,
        discussion_events.PlanStepSet,
        events.TextNeedsHuman,
        StrategyDiscussionChanged,
        DutyAcknowledged,
        *SENDING,
    ),
    "clock": every(events.Due),
    "audit": (),
    "console": (
        AccessRecorded,
        care_events.AccessOverridden,
        OperatorActed,
        RegisterLookedUp,
        DutyAcknowledged,
        DutySendAgain,
        events.ChildReportedMissing,
        events.ChildLocated,
        events.ChildReturned,
        events.ReportRetracted,
        events.SafeAndWellCheckRecorded,
        events.ReturnInterviewRecorded,
        events.PoliceReferenceTexted,
        events.WatchReviewed,
        contact_events.ShiftHandedOver,
        contact_events.ShiftAccepted,
        plan_events.WatchTalkPlanned,
        discussion_events.StrategyDiscussionRedated,
        discussion_events.StrategyDiscussionCancelled,
    ),
}


def says(service: str) -> Kinds:
    dead_letters = (MessageDeadLettered,) if HEARS[service] else ()
    return (*SAYS[service], *dead_letters)


def first_to_say(contract: type[Message]) -> str:
    """A service that says it, for an example's source. Where none does yet: the protocol, which will."""
    return next((service for service in SAYS if contract in says(service)), "protocol")
