"""Describes changes among those who are to be told: somebody joins the directory, leaves it, or cannot be reached."""

from services.safeguarding.child_events.events import Event
from services.safeguarding.identifiers import PersonId


class ContactListed(Event, kind="contact.listed.v1"):
    """Somebody has come onto the directory. The envelope's subject is the person: no child has to do with it."""

    contact: PersonId


class ContactUnlisted(Event, kind="contact.unlisted.v1"):
    """Somebody holds no line of the directory any more."""

    contact: PersonId


class ContactUnreachable(Event, kind="contact.unreachable.v1"):
    """Every way to reach this person was tried and failed."""

    person: PersonId | None = None
    role: str
