"""Writes the effects of a decision, in the transaction that marks the text as read."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.carers import messages, metrics
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Act, Decision
from services.carers.store import child_status, claims, conversations, enrolments, texts
from services.carers.text import Text
from services.carers.understanding import replies
from services.carers.understanding.languages import plain_words
from services.carers.understanding.times import find_last_seen
from services.platform.delivery.channels.sms import LANE, STRANGERS_ANSWER_WITHIN
from services.platform.delivery.model import Delivery
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.register import words
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import CarerAwarenessRecorded, ChildIdentified
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.identifiers import ChildId, PersonId, WordsId, derived, is_provisional, number_of, trace_of
from services.safeguarding.message import Message

STRANGERS = frozenset({"unknown", "former-carer"})
"""Their reply is for no person in particular: it is sent soon or not at all, and never read out by a call."""
ANSWERING = (events.ChildReportedMissing, events.ChildInformationReceived, events.ChildLuringSuspected)


def _is_of_one_child(acts: Sequence[Act]) -> bool:
    """Reports of one unnamed child to several authorities and placements count as one child."""
    named = {act.subject for act in acts if not is_provisional(act.subject)}
    unnamed = {act.subject for act in acts} - named
    asked = [act.content for act in acts if isinstance(act.content, events.ChildProvisional)]
    places = {(each.authority, each.placement) for each in asked}
    return len(named) + bool(unnamed) == 1 and (len(unnamed) < 2 or len(places) == len(asked))


@dataclass(frozen=True, slots=True)
class DecisionApplier:
    """Applies the decision about one text. Ids are derived from Twilio's id of the text, so each effect happens once,
    however often the text is read.
    """

    uow: UnitOfWork
    keyring: Keyring
    delivery: DeliveryLoop
    text: Text
    context: TextContext
    decision: Decision

    async def apply(self, language: str, now: datetime) -> bool:
        """True if a reply is on its way, in `language`. `now` is wall time."""
        text, acts = self.text, self.decision.acts
        kept: dict[ChildId, tuple[WordsId, ...]] = {}
        seen = find_last_seen(text.body, text.story_at)
        reported = [act for act in acts if isinstance(act.content, events.ChildReportedMissing)]
        alone = len(reported) == 1 or _is_of_one_child(acts)
        for act in acts:
            content = act.content
            if isinstance(content, events.ChildReportedMissing) and alone and seen is not None:
                content = content.model_copy(update={"last_seen_at": seen})
            if isinstance(content, events.TextNeedsHuman):
                content = content.model_copy(update={"language": plain_words.recognise(text.body)})
            if isinstance(content, events.Told) and text.words:
                if act.subject not in kept:
                    kept[act.subject] = await self._keep_words(act.subject, content.said_by)
                content = content.model_copy(update={"words": kept[act.subject]})
            self._publish(act.subject, content, exercise=self.decision.exercise)
            if not self.decision.exercise:
                await self._remember(act.subject, content)
        self._remember_conversation()
        codes = self._remember_claims(self.text.story_at + max(timedelta(), now - self.text.received_at))
        self._enrol()
        return await self._reply(codes, language, now)

    @property
    def number_hash(self) -> bytes:
        return self.keyring.number_hash(self.text.sender)

    async def _keep_words(self, about: ChildId, said_by: PersonId | None) -> tuple[WordsId, ...]:
        """The text as it came, and the parts of it that answer the questions of police.

        Where it is about two children nobody can tell whose clothes it describes: a person reads it instead.
        """
        keep = functools.partial(
            words.keep, self.uow, self.keyring, about=about, said_by=said_by, at=self.text.story_at
        )
        acts = self.decision.acts
        has_reference = any(isinstance(act.content, events.PoliceReferenceTexted) for act in acts)
        whole = await keep(words=self.text.words, reference=has_reference)
        told = any(isinstance(act.content, ANSWERING) for act in acts) and _is_of_one_child(acts)
        parts = replies.find_answers(self.text.body) if told else ()
        return whole, *[await keep(words=each.words, answers=each.question) for each in parts]

    def _publish(self, subject: ChildId, content: Message, *, exercise: bool) -> None:
        told = {(each.duty, each.step): each for each in (self.context.telling, *self.context.unanswered) if each}
        answered = told.get((content.duty, content.step)) if isinstance(content, DutyAcknowledged) else None
        self.uow.publish(
            content,
            subject=subject,
            at=self.text.story_at,
            message_id=str(derived("text", self.text.sid, *Act(subject, content).once)),
            exercise=exercise or (answered is not None and answered.exercise),
            trace=trace_of("text", self.text.sid),
        )

    async def _remember(self, subject: ChildId, content: Message) -> None:
        """The status of the child until the protocol itself says."""
        uow, at = self.uow, self.text.story_at
        if isinstance(content, events.ReportRetracted):
            child_status.record_text(uow, subject, "missing" if content.retracts == "return" else None, at)
        elif isinstance(content, events.ChildReportedMissing):
            child_status.record_text(uow, subject, "missing", at)
        elif isinstance(content, events.ChildReturned):
            child_status.record_text(uow, subject, "returned", at)
        elif isinstance(content, events.PoliceReferenceTexted):
            child_status.record_reference(uow, subject, at)
        elif isinstance(content, ChildIdentified):
            child_status.record_text(uow, content.child, "missing", at)
        elif isinstance(content, events.ChildProvisional):
            conversations.open_report(
                uow, subject, self.number_hash, at, authority=content.authority, placement=content.placement
            )
        elif isinstance(content, DutyAcknowledged) and not content.claimed:
            await self.delivery.acknowledged(uow, content.duty, content.step)

    def _remember_conversation(self) -> None:
        uow, decision, at = self.uow, self.decision, self.text.story_at
        if decision.answered:
            conversations.close_question(uow, self.number_hash)
        for provisional, child in decision.identified:
            conversations.name_child(uow, provisional, child)
        for provisional in decision.ended:
            conversations.end_report(uow, provisional, at)
        if decision.question is not None:
            own = self.context.for_subject(decision.question.provisional)
            conversations.ask(uow, self.number_hash, decision.question, at, authority=own.authority, person=own.person)
        elif decision.called:
            conversations.record_call(uow, self.number_hash, at)

    def _remember_claims(self, now: datetime) -> tuple[str, ...]:
        """The codes of the decision's claims, in their order, for the reply. `now` is story time."""
        uow, decision, at = self.uow, self.decision, self.text.story_at
        for child in decision.denied:
            claims.end_all(uow, child, at)
        for confirmed in decision.confirmed:
            claims.confirm(uow, self.number_hash, confirmed, at)
        if decision.wrong_code:
            claims.count_wrong_code(uow, self.number_hash, at)
        codes = tuple(claims.code_for(claim, self.context.claims) for claim in decision.claims)
        for claim, code in zip(decision.claims, codes, strict=True):
            claims.keep(uow, self.number_hash, claim, code, at, now)
        return codes

    def _enrol(self) -> None:
        """A finished practice is published as real, for each of the carer's children: the carer is aware."""
        uow, context, stage, at = self.uow, self.context, self.decision.stage, self.text.story_at
        if stage is None or context.person is None:
            return
        people = {each.person for each in context.children if each.person} or {context.person}
        for person in sorted(people):
            enrolments.join(uow, person, self.number_hash, at)
            if stage == "practised":
                enrolments.end_practice(uow, person, at)
        if stage == "practising":
            child = self.decision.acts[0].subject
            own = context.for_subject(child)
            enrolments.begin_practice(uow, own.person or context.person, own.authority, child, at)
        elif stage == "practised":
            for each in context.children:
                own = context.for_child(each)
                aware = CarerAwarenessRecorded(
                    authority=own.authority, said_by=own.person, channel="text", carer=own.person, how="practice"
                )
                self._publish(each.child, aware, exercise=False)
        uow.on_commit(metrics.ENROLLED.labels(stage).inc)

    async def _reply(self, codes: tuple[str, ...], language: str, now: datetime) -> bool:
        """A report beside a claim has a reply of its own, and the claim's follows it."""
        text, context, decision = self.text, self.context, self.decision
        if not decision.replies or not text.can_be_answered:
            return False
        if context.kind in STRANGERS and now - text.received_at > STRANGERS_ANSWER_WITHIN:
            return False  # it was kept on a disk meanwhile, here or at the stand-in
        sent = False
        waiting = decision.replies[0].waiting
        for place, body in enumerate(messages.write_replies(decision, codes, language, context.duty_line)):
            own = derived("reply", text.sid, *([str(place)] if place else []))
            delivery = Delivery(
                id=own,
                code=number_of(own),
                body=messages.mark_reply(body, number_of(own), waiting, codes, language),
                lane=LANE,
                child=decision.acts[0].subject if decision.acts else context.provisional,
                created_at=now,
                authority=context.authority or None,
                person=None if context.kind in STRANGERS else context.person,
                trace=trace_of("text", text.sid),
                to_number=text.sender,
                texted=text.to or None,
                key_owner=texts.owner_of(self.number_hash),
            )
            sent |= await self.delivery.put(self.uow, delivery)
        return sent
