"""Describes changes among those who are to be told: somebody joins the directory, leaves it, or cannot be reached."""

from services.safeguarding.child_events.events import Event
from services.safeguarding.identifiers import PersonId


class ContactListed(Event, kind="contact.listed.v1"):
    """Somebody has come onto the directory. The envelope's subject is the person: no child has to do with it."""

    contact: PersonId


class ContactUnlisted(Event, kind="contact.unlisted.v1"):
    """Somebody is no longer in the directory."""

    contact: PersonId


class ShiftHandedOver(Event, kind="shift.handed-over.v1"):
    """Somebody on duty has written down for the next what is open and what was promised. The envelope's subject is who
    comes on; the note is in `words`.
    """

    contact: PersonId
    account: str
    """The console's, of who did it."""


class ShiftAccepted(Event, kind="shift.accepted.v1"):
    """Who comes on, or somebody in their name, has read the note and has the shift."""

    contact: PersonId
    account: str
    """The console's, of who did it."""


class ContactUnreachable(Event, kind="contact.unreachable.v1"):
    """Every way to reach this person was tried and failed."""

    person: PersonId | None = None
    role: str
