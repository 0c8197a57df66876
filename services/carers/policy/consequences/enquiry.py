"""Where a child is, is told to nobody by text, whoever asks. The enquiry is refused, logged, and passed on to the duty team and to police (S37)."""

from services.carers.policy.answer import Answer
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Act, Decision
from services.carers.policy.mentions import sides
from services.safeguarding.events import LocationEnquiryReceived


def pass_on_enquiry(scene: TextContext) -> Act:
    """About nobody whom we could name: what was asked is in the words, and confirms to the enquirer nothing."""
    enquiry = LocationEnquiryReceived(authority=scene.authority, said_by=scene.person, channel="text")
    return Act(scene.provisional, enquiry)


def refuse_enquiry(scene: TextContext) -> Decision:
    """To somebody whom we know. To others the one safe answer goes, as to everything that they text."""
    return Decision(tuple(pass_on_enquiry(team) for team in sides.list_teams(scene)), Answer.ENQUIRY)
