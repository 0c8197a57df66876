"""Reads what each service says from `said.yaml`. A message of another service's kind is believed by nobody."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from services.safeguarding.child_events import events
from services.safeguarding.contracts import contracts
from services.safeguarding.deeds import EVENTS_OF_DEEDS
from services.safeguarding.duty.duties import Duty, DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes
from services.safeguarding.duty.evidence import DeliveriesAttempted, DeliveryAttempted, RegisterLookedUp
from services.safeguarding.message import Message

Kinds = tuple[type[Message], ...]


def every(of: type[Message]) -> Kinds:
    return tuple(each for each in contracts().values() if issubclass(each, of))


GROUPS: Mapping[str, Kinds] = {
    "told": every(events.Told),
    "police-replies": every(events.PoliceReply),
    "due": every(events.Due),
    "duties": every(Duty),
    # What somebody records by a form, behind a link or at the console.
    "deeds": tuple(each for each in contracts().values() if each in EVENTS_OF_DEEDS),
    # What every service says that sends things (services.platform.delivery).
    "sending": (
        *(DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes, DeliveryAttempted, DeliveriesAttempted),
        *(RegisterLookedUp, events.ContactUnreachable),
    ),
}


def read_kinds(names: Iterable[str], groups: Mapping[str, Kinds]) -> Kinds:
    """Each name is a kind's or a group's; after a hyphen, a kind that a group before it leaves out."""
    found: list[type[Message]] = []
    for name in names:
        if name.startswith("-"):
            found.remove(contracts()[name.removeprefix("-")])
        else:
            found += groups.get(name) or [contracts()[name]]
    return tuple(found)


_WRITTEN: Mapping[str, list[str]] = yaml.load(Path(__file__).with_name("said.yaml").read_text(), yaml.CSafeLoader)
SAYS = {service: read_kinds(names, GROUPS) for service, names in _WRITTEN.items()}
