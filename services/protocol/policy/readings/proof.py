"""Judges whether an ending is proven. Nothing ends, is withdrawn or is weakened on less (docs/decisions/0039)."""

from collections.abc import Mapping
from typing import TypeAlias

from services.protocol.policy.case import Episode
from services.protocol.policy.draft import Draft
from services.safeguarding.child_events import events
from services.safeguarding.child_events.events import Proof

Ending: TypeAlias = events.ChildReturned | events.ChildLocated | events.ReportRetracted

FITS: Mapping[str, Proof] = {
    "text": Proof.HANDSET,
    "force": Proof.FORCE,
    "agency": Proof.AGENCY,
    "console": Proof.PERSON,
    "page": Proof.PERSON,
}
"""Which proof may come by which channel. Any other counts as none: the channel cannot show it."""


def is_proven(draft: Draft, event: Ending, episode: Episode | None) -> bool:
    """An exercise needs no proof: nobody searches, and it never touches a real episode."""
    if draft.happened.exercise:
        return True
    if event.proof is Proof.WORD:
        return is_word_enough(draft, episode)
    return event.proof is not None and FITS.get(event.channel) is event.proof


def is_word_enough(draft: Draft, episode: Episode | None) -> bool:
    """Whether the authority's rules take a carer's word, and the register names the speaker as this child's carer."""
    if draft.protocol_for(episode).stand_down.by_text != "word":
        return False
    return draft.speaker is not None and draft.speaker in (draft.facts.carers or ())
