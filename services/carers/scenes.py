"""Gathers what is known when a text is read: who sends it, about whom they may, and how things stand."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.carers.policy.scene import (
    About,
    Child,
    PoliceStand,
    Provisional,
    Question,
    Scene,
    Standing,
    State,
    Telling,
)
from services.carers.store import conversations, enrolments, standings, texts
from services.carers.store.standings import Stood
from services.carers.text import Text
from services.carers.understanding.meaning import Meaning
from services.delivery import codes
from services.register import conversation
from services.register.conversation import ChildOfCarer, Speaker, SpeakerKind
from services.safeguarding.identifiers import AuthorityId, ChildId, provisional_child
from services.store.encryption import Keyring
from services.store.pipeline import at_once

ANSWER_WITHIN = timedelta(hours=2)
"""Longer than this after "which child?" a bare code is no answer any more. Story time."""

ANSWERED_ONCE_IN = timedelta(days=28)
"""Wall time. So long an unknown number has one automatic answer and no more: what follows on a child's phone comes from people (S61)."""

ABOUT: dict[str, About] = {"report": "report", "return": "return", "information": "information"}
STATES: dict[str, State] = {"missing": "missing", "located": "located", "returned": "returned"}


class NobodyToAsk(Exception):
    """The register has no authority, so that no duty team could be told of a stranger's text."""


async def gather(
    connection: AsyncConnection,
    keyring: Keyring,
    text: Text,
    meaning: Meaning,
    *,
    default: AuthorityId | None,
    now: datetime,
) -> tuple[Scene, Speaker]:
    """`now` is wall time; everything else goes by the moment at which the text came, in story time."""
    number_hash = keyring.number_hash(text.sender)
    speaker = await conversation.speaker(connection, keyring, text.sender, text.story_at)
    [(came, answered)], questions, reports, stood, enrolled = await at_once(
        connection,
        texts.this_hour(number_hash, now),
        conversations.question(number_hash, text.story_at - ANSWER_WITHIN),
        conversations.open_provisionals(number_hash),
        standings.of(each.child for each in speaker.children),
        enrolments.of(speaker.person, number_hash),
    )
    asked, provisionals = _conversation(speaker, questions, reports)
    telling = await _telling(connection, keyring, meaning, text)
    scene = Scene(
        kind=speaker.kind.value,
        authority=speaker.authority or await _authority(connection, default),
        provisional=await _provisional(connection, speaker, number_hash, text),
        person=speaker.person,
        placement=speaker.placement,
        children=_children(speaker.children, standings.stood(stood)),
        provisionals=provisionals,
        question=asked,
        telling=telling,
        enrolment=enrolments.enrolment(enrolled),
        pictures=len(text.pictures),
        texts_this_hour=came,
        replies_this_hour=answered,
        answered_before=await _answered_before(connection, speaker, number_hash, answered, now),
    )
    return scene, speaker


def _conversation(
    speaker: Speaker, questions: list[tuple[Any, ...]], reports: list[tuple[Any, ...]]
) -> tuple[Question | None, tuple[Provisional, ...]]:
    """What a carer was asked, and their reports without a name. With nobody else is there a conversation."""
    if speaker.kind not in {SpeakerKind.CARER, SpeakerKind.RESIDENTIAL}:
        return None, ()
    asked = [Question(ABOUT[about], provisional) for about, provisional in questions]
    return next(iter(asked), None), tuple(Provisional(*row) for row in reports)


async def _provisional(connection: AsyncConnection, speaker: Speaker, number_hash: bytes, text: Text) -> ChildId:
    """Of a number that nobody knows all texts are one story; of others each report is one of its own."""
    if speaker.kind in {SpeakerKind.UNKNOWN, SpeakerKind.FORMER_CARER}:
        return provisional_child(await texts.first_owner(connection, number_hash))
    return provisional_child(text.sid)


async def _authority(connection: AsyncConnection, default: AuthorityId | None) -> AuthorityId:
    authority = default or await conversation.first_authority(connection)
    if authority is None:
        raise NobodyToAsk
    return authority


async def _answered_before(
    connection: AsyncConnection, speaker: Speaker, number_hash: bytes, this_hour: int, now: datetime
) -> bool:
    """A former carer's number had answers of another kind, so of those only the last hour's count."""
    if speaker.kind is SpeakerKind.UNKNOWN and not this_hour:
        return await texts.answered_since(connection, number_hash, now - ANSWERED_ONCE_IN)
    return this_hour > 0


async def _telling(connection: AsyncConnection, keyring: Keyring, meaning: Meaning, text: Text) -> Telling | None:
    for code in meaning.codes:
        coded = await codes.find(connection, keyring, code, text.sender)
        if coded is not None:
            [rows] = await at_once(connection, standings.of([coded.child]))
            return Telling(
                coded.duty,
                coded.step,
                coded.child,
                coded.authority,
                coded.episode,
                coded.person,
                coded.exercise,
                _standing(standings.stood(rows).get(coded.child)),
            )
    return None


def _children(children: tuple[ChildOfCarer, ...], stood: Mapping[ChildId, Stood]) -> tuple[Child, ...]:
    return tuple(Child(each.child, each.code, each.first_names, _standing(stood.get(each.child))) for each in children)


def _standing(stood: Stood | None) -> Standing:
    if stood is None:
        return Standing()
    return Standing(STATES.get(stood.state or ""), PoliceStand(stood.police), stood.duty_answered)
