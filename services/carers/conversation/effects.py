"""Writes down everything that a decision brings about, in the transaction that marks the text as read."""

import functools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.carers import messages, metrics
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Act, Decision
from services.carers.store import child_status, claims, conversations, enrolments, texts
from services.carers.text import Text
from services.carers.understanding.details import answers
from services.carers.understanding.details.times import find_times
from services.carers.understanding.languages import language_recognition
from services.platform.delivery.channels.sms import LANE
from services.platform.delivery.model import Delivery
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.register import words
from services.platform.register.conversation import Speaker
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding import events
from services.safeguarding.care_events import CarerAwarenessRecorded, ChildIdentified
from services.safeguarding.identifiers import ChildId, PersonId, WordsId, derived, is_provisional, trace_of
from services.safeguarding.message import Message
from services.safeguarding.outcomes import DutyAcknowledged

SERVICE = "carers"
STRANGERS = frozenset({"unknown", "former-carer"})
"""Their answer is nobody's in particular: it is sent soon or not at all, and never read out by a call."""
ANSWERING = (events.ChildReportedMissing, events.ChildInformationReceived, events.ChildLuringSuspected)
SAYS: dict[type[Message], str] = {
    events.ChildReportedMissing: "missing",
    events.ChildReturned: "returned",
}
"""How a child stands after such an event, until the protocol itself says."""


def _tells_of_one_who_is_missing(decision: Decision) -> bool:
    """Of two children in one text nobody can tell whose clothes are whose: then a person reads it as it stands."""
    told = any(isinstance(act.content, ANSWERING) for act in decision.acts)
    return told and _is_of_one_child(decision.acts)


def _is_of_one_child(acts: Sequence[Act]) -> bool:
    """A child that is not named has a report with each authority and placement that may have it, and is one child all the same."""
    named = {act.subject for act in acts if not is_provisional(act.subject)}
    unnamed = {act.subject for act in acts} - named
    asked = [act.content for act in acts if isinstance(act.content, events.ChildProvisional)]
    places = {(each.authority, each.placement) for each in asked}
    return len(named) + bool(unnamed) == 1 and (len(unnamed) < 2 or len(places) == len(asked))


def _aware(scene: TextContext) -> CarerAwarenessRecorded:
    told = {"authority": scene.authority, "said_by": scene.person, "channel": "text"}
    return CarerAwarenessRecorded.model_validate(told | {"carer": scene.person, "how": "practice"})


class DecisionApplier:
    """Ids follow from Twilio's id of the text: however often it is read, each effect is one. What a practice shows of a carer is no
    practice: it holds for each of their children.
    """

    def __init__(self, keyring: Keyring, delivery: DeliveryLoop) -> None:
        self._keyring = keyring
        self._delivery = delivery

    async def apply(
        self,
        uow: UnitOfWork,
        text: Text,
        scene: TextContext,
        speaker: Speaker,
        decision: Decision,
        *,
        welsh: bool,
        now: datetime,
    ) -> bool:
        """Whether a reply is on its way. `now` is wall time."""
        number_hash = self._keyring.number_hash(text.sender)
        kept: dict[ChildId, tuple[WordsId, ...]] = {}
        seen = find_times(text.body, text.story_at).last_seen
        reported = [act for act in decision.acts if isinstance(act.content, events.ChildReportedMissing)]
        alone = len(reported) == 1 or _is_of_one_child(decision.acts)
        for act in decision.acts:
            content = act.content
            if isinstance(content, events.ChildReportedMissing) and alone and seen is not None:
                content = content.model_copy(update={"last_seen_at": seen})
            if isinstance(content, events.TextNeedsHuman):
                content = content.model_copy(update={"language": language_recognition.recognise(text.body)})
            if isinstance(content, events.Told) and text.words:
                if act.subject not in kept:
                    kept[act.subject] = await self._keep(uow, text, act.subject, content.said_by, decision)
                content = content.model_copy(update={"words": kept[act.subject]})
            await self._say(uow, text, act.subject, content, scene, exercise=decision.exercise)
            if not decision.exercise:
                await self._remember(uow, text, act.subject, content, number_hash)
        self._converse(uow, decision, number_hash, text.story_at)
        codes = self._claim(uow, scene, decision, number_hash, text.story_at)
        await self._enrol(uow, text, decision, scene, number_hash)
        return await self._reply(uow, text, scene, speaker, decision, codes, welsh=welsh, now=now)

    async def _keep(
        self, uow: UnitOfWork, text: Text, about: ChildId, said_by: PersonId | None, decision: Decision
    ) -> tuple[WordsId, ...]:
        """The text as it came, and what of it answers a question that police ask."""
        said = functools.partial(words.keep, uow, self._keyring, about=about, said_by=said_by, at=text.story_at)
        whole = await said(words=text.words)
        told = answers.find_answers(text.body) if _tells_of_one_who_is_missing(decision) else ()
        return whole, *[await said(words=each.words, answers=each.question) for each in told]

    async def _say(
        self,
        uow: UnitOfWork,
        text: Text,
        subject: ChildId,
        content: Message,
        scene: TextContext,
        *,
        exercise: bool,
    ) -> None:
        of_exercise = isinstance(content, DutyAcknowledged) and scene.telling is not None and scene.telling.exercise
        uow.publish(
            content,
            subject=subject,
            at=text.story_at,
            message_id=str(derived("text", text.sid, content.kind, subject)),
            exercise=exercise or of_exercise,
            trace=trace_of("text", text.sid),
        )

    async def _remember(
        self, uow: UnitOfWork, text: Text, subject: ChildId, content: Message, number_hash: bytes
    ) -> None:
        if isinstance(content, events.ReportRetracted):
            state = "missing" if content.retracts == "return" else None
            child_status.said(uow, subject, state, text.story_at)
        elif type(content) in SAYS:
            child_status.said(uow, subject, SAYS[type(content)], text.story_at)
        elif isinstance(content, ChildIdentified):
            child_status.said(uow, content.child, "missing", text.story_at)
        elif isinstance(content, events.ChildProvisional):
            conversations.open_provisional(
                uow,
                subject,
                number_hash,
                text.story_at,
                authority=content.authority,
                placement=content.placement,
            )
        elif isinstance(content, DutyAcknowledged):
            await self._delivery.acknowledged(uow, content.duty, content.step)

    def _converse(self, uow: UnitOfWork, decision: Decision, number_hash: bytes, at: datetime) -> None:
        if decision.answered:
            conversations.answered(uow, number_hash)
        for provisional, child in decision.identified:
            conversations.identify(uow, provisional, child)
        for provisional in decision.ended:
            conversations.end(uow, provisional, at)
        if decision.question is not None:
            asked = decision.question
            conversations.ask(uow, number_hash, asked.about, asked.provisional, at)

    @staticmethod
    def _claim(
        uow: UnitOfWork, scene: TextContext, decision: Decision, number_hash: bytes, at: datetime
    ) -> tuple[str, ...]:
        """The codes of the decision's claims, in their order, which the reply texts."""
        for child in decision.denied:
            claims.denied(uow, child, at)
        for confirmed in decision.confirmed:
            claims.confirmed(uow, number_hash, confirmed, at)
        if decision.wrong_code:
            claims.wrong_code(uow, number_hash, at)
        codes = tuple(claims.code_for(claim, scene.claims) for claim in decision.claims)
        for claim, code in zip(decision.claims, codes, strict=True):
            claims.keep(uow, number_hash, claim, code, at)
        return codes

    async def _enrol(
        self,
        uow: UnitOfWork,
        text: Text,
        decision: Decision,
        scene: TextContext,
        number_hash: bytes,
    ) -> None:
        if decision.stage is None or scene.person is None:
            return
        at, acts = text.story_at, decision.acts
        people = {each.person for each in scene.children if each.person} or {scene.person}
        for person in sorted(people):
            enrolments.joined(uow, person, number_hash, at)
            if decision.stage == "practised":
                enrolments.practised(uow, person, at)
        if decision.stage == "practising":
            as_said = scene.for_subject(acts[0].subject)
            enrolments.practising(uow, as_said.person or scene.person, as_said.authority, acts[0].subject, at)
        elif decision.stage == "practised":
            for child in scene.children:
                await self._say(uow, text, child.child, _aware(scene.for_child(child)), scene, exercise=False)
        uow.on_commit(metrics.ENROLLED.labels(decision.stage).inc)

    async def _reply(
        self,
        uow: UnitOfWork,
        text: Text,
        scene: TextContext,
        speaker: Speaker,
        decision: Decision,
        codes: tuple[str, ...],
        *,
        welsh: bool,
        now: datetime,
    ) -> bool:
        """Whether a reply is on its way. A report beside a claim has a reply of its own, and the claim's follows it."""
        if decision.answer is None or not text.can_be_answered:
            return False
        language = "cy" if welsh else speaker.language
        parts = messages.replies(decision, codes, language, scene.duty_line)
        sent = False
        for number, body in enumerate(parts):
            delivery = Delivery(
                id=derived("reply", text.sid, *([str(number)] if number else [])),
                lane=LANE,
                child=decision.acts[0].subject if decision.acts else scene.provisional,
                created_at=now,
                authority=scene.authority,
                person=None if scene.kind in STRANGERS else scene.person,
                trace=trace_of("text", text.sid),
                to_number=text.sender,
                key_owner=texts.owner_of(self._keyring.number_hash(text.sender)),
            )
            sent |= await self._delivery.put(
                uow, replace(delivery, body=messages.told_apart(body, delivery.code, codes))
            )
        return sent
