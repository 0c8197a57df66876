"""Where a child is, is told to nobody by text, whoever asks. The enquiry is refused, logged, and passed on to the duty team and to police (S37)."""

from services.carers.policy import whose
from services.carers.policy.answer import Answer
from services.carers.policy.scene import Act, Decision, TextContext
from services.safeguarding.child_events.events import LocationEnquiryReceived


def passed_on(scene: TextContext) -> Act:
    """About nobody whom we could name: what was asked is in the words, and confirms to the enquirer nothing."""
    enquiry = LocationEnquiryReceived(authority=scene.authority, said_by=scene.person, channel="text")
    return Act(scene.provisional, enquiry)


def refused(scene: TextContext) -> Decision:
    """To somebody whom we know. To others the one safe answer goes, as to everything that they text."""
    return Decision(tuple(passed_on(team) for team in whose.teams(scene)), Answer.ENQUIRY)
