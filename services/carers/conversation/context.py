"""Gathers what is known when a text is read: who sends it, about whom they may, and how things stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.carers.policy.context import (
    About,
    Capacity,
    Child,
    PoliceStand,
    Provisional,
    Question,
    Standing,
    State,
    Telling,
    TextContext,
)
from services.carers.store import child_status, claims, conversations, enrolments, texts
from services.carers.store.child_status import ChildStatus
from services.carers.text import Text
from services.carers.understanding.children import child_names
from services.carers.understanding.meaning import Meaning
from services.platform.delivery.sms_status import reply_codes
from services.platform.register import conversation, keys
from services.platform.register.conversation import ChildOfSpeaker, Speaker, SpeakerKind
from services.platform.store.encryption import Keyring
from services.platform.store.query import execute_pipelined
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId, provisional_child

ANSWER_WITHIN = timedelta(hours=2)
"""Longer than this after "which child?" a bare code is no answer any more. Story time."""

ANSWERED_ONCE_IN = timedelta(days=28)
"""Wall time. So long an unknown number has one automatic answer and no more: what follows on a child's phone comes from people (S61)."""

OF_ONE_STORY = frozenset({SpeakerKind.UNKNOWN, SpeakerKind.FORMER_CARER})
ABOUT: dict[str, About] = {"report": "report", "return": "return", "information": "information"}
STATES: dict[str, State] = {"missing": "missing", "located": "located", "returned": "returned"}


class NobodyToAsk(Exception):
    """The register has no authority, so that no duty team could be told of a stranger's text."""


async def load(
    uow: UnitOfWork,
    keyring: Keyring,
    text: Text,
    meaning: Meaning,
    *,
    default: AuthorityId | None,
    now: datetime,
) -> tuple[TextContext, Speaker]:
    """`now` is wall time; everything else goes by the moment at which the text came, in story time.

    In one round trip for whom the register knows. The keys of their children, about whom words may be kept, come with it.
    """
    numbers = keyring.number_hashes(text.sender)
    number_hash, said = numbers[0], child_names.find_code_numbers(meaning.words)
    people, [(came, answered)], questions, reports, stood, enrolled, claimed, *by_code = await execute_pipelined(
        uow.connection,
        conversation.asked(numbers),
        texts.this_hour(number_hash, now),
        conversations.question(number_hash, text.story_at - ANSWER_WITHIN),
        conversations.open_provisionals(number_hash),
        child_status.of_number(numbers),
        enrolments.of_number(numbers),
        claims.of_number(number_hash, text.story_at),
        *((conversation.numbered(numbers, said), child_status.of_coded(numbers, said)) if said else ()),
    )
    speaker = conversation.told(keyring, people, text.story_at)
    coded, of_coded = (conversation.named_by_code(by_code[0]), by_code[1]) if by_code else ((), [])
    for each in (*speaker.children, *coded):
        keys.remember(uow, keyring, each.child, each.wrapped)
    story = _Story(speaker.authority, speaker.duty_line, provisional_child(text.sid), answered_before=answered > 0)
    if speaker.kind in OF_ONE_STORY:
        story = await _of_number(uow.connection, story, speaker, number_hash, default, now)
    if story.authority is None:
        raise NobodyToAsk
    open_claims, wrong_codes = claims.opened(claimed, text.story_at)
    asked, provisionals = _conversation(speaker, questions, reports)
    scene = TextContext(
        kind=speaker.kind.value,
        authority=story.authority,
        duty_line=story.duty_line,
        provisional=story.provisional,
        person=speaker.person,
        placement=speaker.placement,
        children=_children(speaker.children, child_status.stood(stood)),
        provisionals=provisionals,
        question=asked,
        telling=await _telling(uow.connection, keyring, meaning, text),
        claims=open_claims,
        wrong_codes_this_hour=wrong_codes,
        enrolment=enrolments.enrolment(enrolled),
        pictures=len(text.pictures),
        texts_this_hour=came,
        replies_this_hour=answered,
        answered_before=story.answered_before,
        capacities=_capacities(speaker),
        coded=_children(coded, child_status.stood(of_coded)),
        asks="?" in text.body,
    )
    return scene, speaker


@dataclass(frozen=True, slots=True)
class _Story:
    """Who is told of the text, and which child it is about where nobody can say which: of others than strangers each report is
    a story of its own.
    """

    authority: AuthorityId | None
    duty_line: str | None
    provisional: ChildId
    answered_before: bool


async def _of_number(
    connection: AsyncConnection,
    story: _Story,
    speaker: Speaker,
    number_hash: bytes,
    default: AuthorityId | None,
    now: datetime,
) -> _Story:
    """Of a number that nobody knows all texts are one story. A former carer's number had answers of another kind, so of those only
    the last hour's count.
    """
    [(owner,)], [(answered,)], lines = await execute_pipelined(
        connection,
        texts.first_owner(number_hash),
        texts.answered_since(number_hash, now - ANSWERED_ONCE_IN),
        conversation.lines(default),
    )
    authority, line = lines[0] if lines else (default, None)
    return _Story(
        story.authority or authority,
        story.duty_line if story.authority else line,
        provisional_child(owner),
        answered if speaker.kind is SpeakerKind.UNKNOWN else story.answered_before,
    )


def _conversation(
    speaker: Speaker, questions: list[tuple[Any, ...]], reports: list[tuple[Any, ...]]
) -> tuple[Question | None, tuple[Provisional, ...]]:
    """What a carer was asked, and their reports without a name. With nobody else is there a conversation."""
    if speaker.kind not in {SpeakerKind.CARER, SpeakerKind.RESIDENTIAL}:
        return None, ()
    asked = [Question(ABOUT[about], provisional) for about, provisional in questions]
    return next(iter(asked), None), tuple(Provisional(*row) for row in reports)


async def _telling(connection: AsyncConnection, keyring: Keyring, meaning: Meaning, text: Text) -> Telling | None:
    for code in meaning.codes:
        coded = await reply_codes.lookup(connection, keyring, code, text.sender)
        if coded is not None:
            [rows] = await execute_pipelined(connection, child_status.of([coded.child]))
            return Telling(
                coded.duty,
                coded.step,
                coded.child,
                coded.authority,
                coded.episode,
                coded.person,
                coded.exercise,
                _standing(child_status.stood(rows).get(coded.child)),
            )
    return None


def _children(children: tuple[ChildOfSpeaker, ...], stood: Mapping[ChildId, ChildStatus]) -> tuple[Child, ...]:
    return tuple(
        Child(
            each.child,
            each.code,
            each.first_names,
            _standing(stood.get(each.child)),
            authority=each.authority,
            person=each.person,
            placement=each.placement,
        )
        for each in children
    )


def _capacities(speaker: Speaker) -> tuple[Capacity, ...]:
    return tuple(
        Capacity(each.kind.value, each.authority, each.person, each.professional) for each in speaker.capacities
    )


def _standing(stood: ChildStatus | None) -> Standing:
    if stood is None:
        return Standing()
    return Standing(
        STATES.get(stood.state or ""), PoliceStand(stood.police), stood.duty_answered, stood.episode, stood.ends_on_word
    )
