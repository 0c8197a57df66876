"""Reads the kinds that each service hears and says, from `written/traffic.yaml`, for AsyncAPI's operations.

Written down, since a document is rendered without starting a service; tests/contract/test_schemas.py holds it against
what each service subscribes to when it is put together, and against the messages that its code makes.
"""

from collections.abc import Iterable

from services.protocol.handlers import HEARD
from services.safeguarding.child_events import contact_events, events
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.duty.duties import Duty
from services.safeguarding.duty.evidence import DeliveriesAttempted, DeliveryAttempted, RegisterLookedUp
from services.safeguarding.duty.outcomes import DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes
from services.safeguarding.message import Message
from services.schemas.written import read_part

Kinds = tuple[type[Message], ...]


def every(of: type[Message]) -> Kinds:
    return tuple(each for each in contracts().values() if issubclass(each, of))


GROUPS: dict[str, Kinds] = {
    "everything": every(Message),
    "told": every(events.Told),
    "police-replies": every(events.PoliceReply),
    "due": every(events.Due),
    "duties": every(Duty),
    "heard-by-protocol": HEARD,
    # What every service says that sends things (services.platform.delivery).
    "sending": (
        *(DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes, DeliveryAttempted, DeliveriesAttempted),
        *(RegisterLookedUp, contact_events.ContactUnreachable),
    ),
}


def _read(names: Iterable[str]) -> Kinds:
    found: list[type[Message]] = []
    for name in names:
        if name.startswith("-"):
            found.remove(contracts()[name.removeprefix("-")])
        else:
            found += GROUPS.get(name) or [contracts()[name]]
    return tuple(found)


_WRITTEN = read_part("traffic")
HEARS = {service: _read(each["hears"]) for service, each in _WRITTEN.items()}
"""Every service that hears anything also says dead letters."""
SAYS = {service: _read(each["says"]) for service, each in _WRITTEN.items()}


def says(service: str) -> Kinds:
    dead_letters = (MessageDeadLettered,) if HEARS[service] else ()
    return (*SAYS[service], *dead_letters)


def first_to_say(contract: type[Message]) -> str:
    """A service that says it, for an example's source. Where none does yet: the protocol, which will."""
    return next((service for service in SAYS if contract in says(service)), "protocol")
