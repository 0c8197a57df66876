"""Loads the context of a text: who sends it, which children they may text about, and the status of each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.carers.policy.context import Capacity, Child, Standing, Telling, TextContext
from services.carers.store import child_status, claims, conversations, enrolments, texts
from services.carers.text import Text
from services.carers.understanding import child_names, replies
from services.carers.understanding.meaning import REPORTS, Meaning
from services.platform.register import conversation, keys
from services.platform.register.conversation import CARE_NOW, ChildOfSpeaker, Speaker, SpeakerKind
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId, provisional_child

ANSWER_WITHIN = timedelta(hours=2)
"""Longer than this after "which child?" a bare code is no answer any more. Story time."""
UNNAMED_STAND_FOR = timedelta(days=1)
"""So long STATUS tells of a report without a name. Story time."""
ANSWERED_ONCE_IN = timedelta(hours=1)
"""Wall time. An unknown number gets the one safe answer once in it; else people answer a child's phone (S61)."""
NOBODY = AuthorityId("")
"""Of an empty register: no duty team could be told of a stranger's text. The reply says that nobody was."""
OF_ONE_STORY = frozenset({SpeakerKind.UNKNOWN, SpeakerKind.FORMER_CARER})


async def load(
    uow: UnitOfWork, keyring: Keyring, text: Text, meaning: Meaning, *, default: AuthorityId | None, now: datetime
) -> tuple[TextContext, str]:
    """Also returns the sender's language. `now` is wall time; everything else goes by the moment of the text, in story
    time.

    One round trip; one more for a stranger's number, an OK of somebody on duty, a report of who is sought, or while one
    of several children is sought, and one or two for each reply code in the text.
    """
    numbers, digits = keyring.number_hashes(text.sender), child_names.find_code_numbers(meaning.words)
    number_hash = numbers[0]
    speaker, coded, status, (came, answered, about), question, reports, enrolment, claimed = await uow.fetch(
        conversation.speaker_by_number(keyring, numbers, text.story_at),
        conversation.children_by_code(numbers, digits),
        child_status.status_of_children(numbers, digits, since=text.story_at - UNNAMED_STAND_FOR),
        texts.texts_of_number(number_hash, now),
        conversations.open_question(number_hash, since=text.story_at - ANSWER_WITHIN),
        conversations.unnamed_reports(number_hash),
        enrolments.enrolment_of(numbers),
        claims.claims_of_number(number_hash, text.story_at),
    )
    for child in (*speaker.children, *coded):
        keys.remember(uow, keyring, child.child, child.wrapped)
    routing = _Routing(speaker.authority, speaker.duty_line, provisional_child(text.sid), answered_before=answered > 0)
    if speaker.kind in OF_ONE_STORY:
        routing = await _route_stranger(uow, routing, speaker, number_hash, default, text.to, now)
    converses = speaker.kind in CARE_NOW
    context = TextContext(
        kind=speaker.kind.value,
        authority=routing.authority or NOBODY,
        duty_line=routing.duty_line,
        provisional=routing.provisional,
        person=speaker.person,
        placement=speaker.placement,
        children=_with_status(speaker.children, status, about),
        provisionals=tuple(
            replace(each, standing=status.get(each.provisional, Standing())) for each in reports if converses
        ),
        question=question if converses else None,
        telling=await _find_telling(uow, numbers, meaning),
        unanswered=await _find_unanswered(uow, numbers, meaning, speaker, text.received_at),
        claims=claimed.claims,
        wrong_codes_this_hour=claimed.wrong_codes,
        enrolment=enrolment,
        pictures=len(text.pictures),
        texts_this_hour=came,
        replies_this_hour=answered,
        answered_before=routing.answered_before,
        capacities=tuple(
            Capacity(each.kind.value, each.authority, each.person, each.professional) for each in speaker.capacities
        ),
        coded=_with_status(coded, status),
        asks="?" in text.body,
        live=speaker.live and routing.authority is not None,
    )
    sought = [each.child for each in context.known if each.standing.open]
    if sought and REPORTS & set(meaning.intents):
        others = await uow.fetch(claims.claimed_by_others(sought, numbers, text.story_at))
        context = replace(context, claimed_by_others=others)
    if context.open and len(context.children) > 1:
        recent = await uow.fetch(texts.about_in_last_hour(number_hash, now))
        context = replace(context, recent=_find_recent(context, recent))
    return context, speaker.language


def _find_recent(
    context: TextContext, recent: Sequence[tuple[frozenset[ChildId], datetime]]
) -> tuple[ChildId, datetime] | None:
    """The child, sought now, about whom the number texted last, and when. A text about all of them was about nobody."""
    everybody, sought = {each.child for each in context.children}, {each.child for each in context.open}
    for about, at in recent:
        of_one = about & sought
        if len(of_one) == 1 and not everybody <= about:
            return next(iter(of_one)), at
    return None


@dataclass(frozen=True, slots=True)
class _Routing:
    """The authority that is told of the text, and the child that it is about where nobody can say which."""

    authority: AuthorityId | None
    duty_line: str | None
    provisional: ChildId
    answered_before: bool


async def _route_stranger(
    uow: UnitOfWork,
    routing: _Routing,
    speaker: Speaker,
    number_hash: bytes,
    default: AuthorityId | None,
    texted: str,
    now: datetime,
) -> _Routing:
    """All texts of an unknown number are about one child. A former carer's number had answers of another kind, so only
    the last hour's count for it.
    """
    owner, answered, team = await uow.fetch(
        texts.first_key_owner(number_hash),
        texts.is_answered_since(number_hash, now - ANSWERED_ONCE_IN),
        conversation.duty_team(default, texted),
    )
    authority, line = (team.authority, team.line) if team else (default, None)
    return _Routing(
        routing.authority or authority,
        routing.duty_line if routing.authority else line,
        provisional_child(owner),
        answered if speaker.kind is SpeakerKind.UNKNOWN else routing.answered_before,
    )


async def _find_telling(uow: UnitOfWork, numbers: Sequence[bytes], meaning: Meaning) -> Telling | None:
    for code in meaning.codes:
        found = await uow.fetch(conversations.telling_by_code(numbers, code))
        if found is not None:
            return replace(
                found, code=code.upper(), standing=await uow.fetch(child_status.status_of_child(found.child))
            )
    return None


async def _find_unanswered(
    uow: UnitOfWork, numbers: Sequence[bytes], meaning: Meaning, speaker: Speaker, said_at: datetime
) -> tuple[Telling, ...]:
    people = [each.person for each in speaker.capacities if each.professional]
    if not people or not replies.says_ok(meaning.words):
        return ()
    told = await uow.fetch(conversations.unanswered_by(people, numbers, said_at))
    status = await uow.fetch(child_status.status_of({each.child for each in told})) if told else {}
    return tuple(replace(each, standing=status.get(each.child, Standing())) for each in told)


def _with_status(
    children: tuple[ChildOfSpeaker, ...], status: Mapping[ChildId, Standing], about: Collection[ChildId] = ()
) -> tuple[Child, ...]:
    return tuple(
        Child(
            each.child,
            each.code,
            each.first_names,
            each.sex,
            standing=status.get(each.child, Standing()),
            authority=each.authority,
            person=each.person,
            placement=each.placement,
            texted_about=each.child in about,
        )
        for each in children
    )
