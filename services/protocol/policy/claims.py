"""What is said and not proved: kept of the episode, told to those who search, and never anything more."""

from datetime import timedelta
from typing import Literal, TypeAlias

from services.protocol.policy.case import Claim, Episode
from services.protocol.policy.draft import Draft
from services.protocol.policy.replies import Reading
from services.protocol.policy.vocabulary import Trigger
from services.safeguarding.decisions import Verdict

What: TypeAlias = Literal["return", "retraction", "location"]

STANDS_FOR = timedelta(minutes=10)
"""So long the code is good that confirms it, and so long the same said once more is not told anew."""
TOLD: dict[What, Trigger] = {
    "return": Trigger.CHILD_RETURN_CLAIMED,
    "retraction": Trigger.MISSING_RETRACTION_CLAIMED,
    "location": Trigger.CHILD_LOCATION_CLAIMED,
}
OVERTAKEN: dict[What, Trigger] = {
    "return": Trigger.RETURN_UNVERIFIED,
    "retraction": Trigger.RETRACTION_UNVERIFIED,
    "location": Trigger.RETURN_UNVERIFIED,
}
"""The child was said to be missing after it: a person finds out which is so."""


def claimed(draft: Draft, found: Episode, what: What) -> list[Reading]:
    """Of an open episode: whoever searches hears it once in ten minutes, and whoever says so is asked to confirm it."""
    time, person = draft.happened.time, draft.speaker
    if time < found.last_report_at:
        return [Reading(OVERTAKEN[what], found, Verdict.UNVERIFIED)]
    heard = [each for each in found.claims if each.what == what and abs(time - each.at) < STANDS_FOR]
    if any(each.person == person for each in heard) or (heard and what == "location"):
        return [heard_already(found)]
    mine = Claim(what=what, person=person, at=time)
    kept = tuple(each for each in found.claims if time < each.at + STANDS_FOR)
    found = draft.put_episode(found.model_copy(update={"claims": (*kept, mine)}))
    return [Reading(Trigger.CLAIM_SECONDED if heard else TOLD[what], found, Verdict.UNVERIFIED)]


def heard_already(found: Episode) -> Reading:
    return Reading(None, found, Verdict.ALREADY_SO)
