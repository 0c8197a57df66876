"""Lists the kinds that each service hears: AsyncAPI's operations and Kafka's access lists are rendered from it.

Stated here, since a document is rendered without starting a service; tests/contract/test_schemas.py holds it against
what each service subscribes to when it is put together, and against the messages that its code makes.
"""

from services.platform.messages.speakers import SAYS, Kinds, without
from services.protocol.handlers import HEARD
from services.safeguarding.child_events import discussion_events
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import EpisodeChanged, ReportTaken
from services.safeguarding.duty.duties import (
    CarerAlert,
    DutySendAgain,
    PoliceNotify,
    ProfessionalNotify,
    StrategyInvite,
)
from services.safeguarding.duty.outcomes import DutyAcknowledged
from services.safeguarding.message import Message

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
    "console": without(contracts().values(), ReportTaken),
}


def first_to_say(contract: type[Message]) -> str:
    """A service that says it, for an example's source. Where none does yet: the protocol, which will."""
    return next((service for service, kinds in SAYS.items() if contract in kinds), "protocol")
