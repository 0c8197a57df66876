"""Lists the kinds that each service says. A message of another service's kind is believed by nobody."""

from collections.abc import Iterable

from services.safeguarding.child_events import care_events, contact_events, discussion_events, events
from services.safeguarding.contracts import contracts
from services.safeguarding.deeds.catalogue import EVENTS_OF_DEEDS
from services.safeguarding.duty.decisions import (
    EpisodeChanged,
    MessageDeadLettered,
    MessageDecided,
    ReportTaken,
)
from services.safeguarding.duty.duties import (
    Duty,
    DutySendAgain,
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
from services.safeguarding.operators import OperatorActed

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


def without(kinds: Iterable[type[Message]], *left_out: type[Message]) -> Kinds:
    return tuple(each for each in kinds if each not in left_out)


OPERATORS_OWN: Kinds = (care_events.EpisodeProtocolMoved, care_events.DutyHandOverAsked)
"""What a person at the console says, and no agency."""

SAYS: dict[str, Kinds] = {
    "casework": (
        *without(every(events.Told), events.TextNeedsHuman, events.PoliceReferenceTexted, *OPERATORS_OWN),
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
        MessageDeadLettered,
        *SENDING,
    ),
    "protocol": (
        *every(Duty),
        MessageDecided,
        EpisodeChanged,
        ReportTaken,
        DutyFailed,
        RulesTakenUp,
        MessageDeadLettered,
    ),
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
        MessageDeadLettered,
        *SENDING,
    ),
    "professionals": (DutyAcknowledged, events.TextNeedsHuman, MessageDeadLettered, *EVENTS_OF_DEEDS, *SENDING),
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
        MessageDeadLettered,
        *SENDING,
    ),
    "clock": every(events.Due),
    "audit": (MessageDeadLettered,),
    "console": (
        OperatorActed,
        RegisterLookedUp,
        DutyAcknowledged,
        DutySendAgain,
        MessageDeadLettered,
        events.ChildReportedMissing,
        events.ChildProvisional,
        events.ChildInformationReceived,
        events.ChildLuringSuspected,
        events.ChildLocated,
        events.ChildReturned,
        events.ReportRetracted,
        events.PoliceReferenceTexted,
        care_events.ChildIdentified,
        contact_events.ShiftHandedOver,
        contact_events.ShiftAccepted,
        *EVENTS_OF_DEEDS,
        *OPERATORS_OWN,
        discussion_events.StrategyDiscussionRedated,
        discussion_events.StrategyDiscussionCancelled,
    ),
}
