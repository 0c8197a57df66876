"""Describes events of a child in care other than going missing: arrival, placement, transfer, age, identity."""

from typing import Literal
from uuid import UUID

from services.safeguarding.child_events.events import Event, Told
from services.safeguarding.dates import Day
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId


class ChildPresented(Told, kind="child.presented.v1"):
    """An unaccompanied child, or one who may be a victim of modern slavery, has come to an authority's notice (S35,
    S36).
    """

    concern: bool | None = None
    """Whether there is any safeguarding or modern slavery concern. None, nobody knows yet, protects like yes."""
    trafficking_suspected: bool | None = None


class ChildAccommodated(Told, kind="child.accommodated.v1"):
    """Care has begun. After 24 hours accommodated under section 20 the child is looked after (S10)."""

    under: Literal["section-20", "police-protection", "court-order", "other"] = "section-20"


class ChildLeftCare(Told, kind="child.left-care.v1"):
    """The child is no longer looked after (S72). An open episode stays open."""

    why: Literal["came-of-age", "went-home", "moved-abroad", "other"] = "other"


class ChildApproaching18(Told, kind="child.approaching-18.v1"):
    """Casework's own word that the birthday nears; the protocol says it by itself where it knows the date (S50)."""


class ChildTurned18(Told, kind="child.turned-18.v1"):
    """Casework's own word; while age is disputed it waits (S32, S72)."""


class AgeDisputeOpened(Told, kind="age.dispute-opened.v1"):
    """Treated as a child until a lawful assessment has ended the dispute (S8, S25, S32)."""


class AgeDetermined(Told, kind="age.determined.v1"):
    """The findings, and whose they are, are in `words`."""

    found: Literal["child", "adult"]
    assessed_on: Day
    case_law_compliant: bool
    """An assessment that is not ends no dispute: a person looks into it."""


class PlacementChanged(Told, kind="placement.changed.v1"):
    """The child lives elsewhere, as the register holds it now (S45, S60). An open episode follows."""

    emergency: bool = False


class TransferProposed(Told, kind="transfer.proposed.v1"):
    """Under the National Transfer Scheme (S33, S34, S38)."""

    best_interests_considered: bool = False
    hindrance_accepted: bool = False
    """A named person has recorded, in `words`, why the transfer goes on although it hinders a section 47 enquiry."""


class ChildTransferred(Told, kind="child.transferred.v1"):
    """Another authority is responsible from now on: duties and clocks go along, and both authorities acknowledge (S39,
    S45).
    """

    to: AuthorityId | None = None
    """None where the receiver is not connected here: people of the present authority hand over by telephone."""
    outside_england: bool = False
    hindrance_accepted: bool = False


class EmergencyAccommodationRequested(Told, kind="emergency-accommodation.requested.v1"):
    """At any hour (S37, S63)."""

    bed_and_breakfast: bool = False


class PhotographRecorded(Told, kind="photograph.recorded.v1"):
    """A photograph is on file (S57). It is stale after 90 days (practice)."""

    taken_on: Day


class ProfileRecorded(Told, kind="profile.recorded.v1"):
    """Who cares for the child has said what police will ask if it goes missing, or that nothing has changed."""

    changed: bool
    photograph: bool
    """Whether they have one of the last three months."""


class ContactsChecked(Told, kind="contacts.checked.v1"):
    """A person has made sure that the child's carers and professionals are reached by what the register holds."""


class CarerAwarenessRecorded(Told, kind="carer.awareness-recorded.v1"):
    """A carer knows the child's risks, and what to do if it goes missing or is lured (S16, S23, S62)."""

    carer: PersonId | None = None
    """None: all who care for the child now."""
    how: Literal["practice", "briefing"] = "briefing"
    """A practice by text counts."""


class ChildIdentified(Told, kind="child.identified.v1"):
    """The provisional child of the subject is `child`, maybe of another report: the two cases become one (S45, S57)."""

    child: ChildId


class DutyHandOverAsked(Told, kind="duty.hand-over-asked.v1"):
    """The holder of a duty asks somebody else to take it. It stays with them until the next has said "I have it"."""

    duty: UUID
    to: PersonId


class AccessOverridden(Event, kind="access.overridden.v1"):
    """Somebody of another authority was told in an emergency who the child is. Why is in `words`; a manager of the
    child's authority reviews it.
    """

    account: str
    """The console's, of who asked."""


class EpisodeProtocolMoved(Told, kind="episode.protocol-moved.v1"):
    """An open episode moves from the protocol under which it opened to the one in force. The reason is in `words`."""

    episode: UUID


class MissingMeetingHeld(Told, kind="missing-meeting.held.v1"):
    """The meeting that a long or repeated absence called for; its record is in `words` (practice)."""
