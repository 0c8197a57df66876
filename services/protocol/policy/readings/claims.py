"""Keeps claims that nobody has proved, and tells them to those who search. A claim never does more."""

from datetime import timedelta
from typing import Literal, TypeAlias

from services.protocol.policy.case import Claim, Episode
from services.protocol.policy.draft import Draft, Reading
from services.protocol.policy.rule_language.vocabulary import Trigger
from services.safeguarding.duty.decisions import Verdict

What: TypeAlias = Literal["return", "retraction", "location"]

STANDS_FOR = timedelta(minutes=10)
"""How long the code that confirms a claim is valid, and how long the same claim is not told again."""
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
"""The child was said to be missing after the claim: a person finds out the truth."""


def record_claim(draft: Draft, found: Episode, what: What) -> list[Reading]:
    """Keeps a claim about an open episode. Searchers hear it once in ten minutes; the claimant is asked to confirm."""
    time, person = draft.happened.time, draft.speaker
    if time < found.last_report_at:
        return [Reading(OVERTAKEN[what], found, Verdict.UNVERIFIED)]
    heard = [each for each in found.claims if each.what == what and abs(time - each.at) < STANDS_FOR]
    if any(each.person == person for each in heard) or (heard and what == "location"):
        return [pass_over(found)]
    mine = Claim(what=what, person=person, at=time)
    kept = tuple(each for each in found.claims if time < each.at + STANDS_FOR)
    found = draft.put_episode(found.model_copy(update={"claims": (*kept, mine)}))
    return [Reading(Trigger.CLAIM_SECONDED if heard else TOLD[what], found, Verdict.UNVERIFIED)]


def pass_over(found: Episode) -> Reading:
    return Reading(None, found, Verdict.ALREADY_SO)
