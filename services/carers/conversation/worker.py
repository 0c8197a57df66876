"""Reads the texts that were kept, each once and in order for its sender, known numbers first, and applies the
decision about it.
"""

import asyncio
from datetime import timedelta

from services.carers import key_rotation, messages, metrics
from services.carers.conversation import context
from services.carers.conversation.effects import DecisionApplier
from services.carers.policy import facts
from services.carers.policy.consequences import escalation
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Decision
from services.carers.policy.sender_policy import decide
from services.carers.policy.strangers_share import StrangersShare
from services.carers.store import texts
from services.carers.store.texts import Unread
from services.carers.text import Priority
from services.carers.understanding.grammar import understand
from services.carers.understanding.languages.plain_words import is_like_a_childs
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.register import conversation
from services.platform.runtime import spans
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.process import Repeating
from services.platform.store.encryption import Keyring, is_away
from services.platform.store.engine import is_contention, is_transient
from services.platform.store.query import BY_ANY_ORDER, BY_INDEX_ORDER
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.child_events.events import TextNeedsHuman
from services.safeguarding.identifiers import AuthorityId, derived, provisional_child, trace_of
from services.wording import presuppositions

AT_ONCE = 4
SWEEP_EVERY_SECONDS = 5.0
"""While there is nothing to read: for a text of a process that died. Keeping a text wakes this process's own loop."""
SWEEP_AGAIN_SECONDS = 0.5
"""While there is a text that cannot be read yet: another process reads an older one of its sender, or it failed."""
MEASURE_EVERY_SECONDS = 15.0
LOOK_AGAIN_SECONDS = 0.05
"""After a text was read: another process may have stored the sender's next text meanwhile, and left it to us."""
TRIES = 3
"""After so many failures of our own code a text goes to a person instead, and its sender's later texts are read."""
PAUSE = timedelta(milliseconds=500)
KEY_AWAY_FOR = timedelta(seconds=5)
CONTENDED_FOR = timedelta(seconds=1)


class TextWorker:
    """The duty team of `default` reads what strangers send; None: that of the register's first authority."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        clocks: Clocks,
        delivery: DeliveryLoop,
        default: AuthorityId | None,
        strangers: StrangersShare | None = None,
    ) -> None:
        self._store, self._keyring, self._clocks = store, keyring, clocks
        self._delivery, self._default = delivery, default
        self._at_once, self._strangers = 1, strangers or StrangersShare()
        self.loop = Repeating(
            "reading texts", self._turn, every_seconds=SWEEP_EVERY_SECONDS, again_seconds=SWEEP_AGAIN_SECONDS
        )
        self.measuring = Repeating("text backlog", self._measure, every_seconds=MEASURE_EVERY_SECONDS)

    async def _turn(self) -> bool:
        """Reads one text per waiting sender, in parallel; of strangers one: a report waits for no more. If no
        other sender is waiting, stops polling so that the outbox is flushed first; storing a text wakes this loop.
        """
        read = await asyncio.gather(
            *(self._read_next(strangers=not each) for each in range(self._at_once)), return_exceptions=True
        )
        found = [each for each in read if isinstance(each, Unread)]
        waiting = {sid for each in found for sid in each.waiting} - {each.sid for each in found}
        self._at_once = max(1, min(len(waiting), AT_ONCE))
        for each in read:
            if isinstance(each, BaseException):
                raise each
        if found:
            asyncio.get_running_loop().call_later(LOOK_AGAIN_SECONDS, self.loop.wake)
        return bool(waiting)

    async def _read_next(self, *, strangers: bool = True) -> Unread | None:
        """None when there is none to read, or only strangers' beyond their share."""
        unread: Unread | None = None
        now = self._clocks.wall()
        least = Priority.STRANGER if strangers and self._strangers.allows(now) else Priority.KNOWN
        try:
            async with self._store.transaction() as uow:
                _, unread, some_wait, _ = await uow.fetch(
                    BY_INDEX_ORDER, texts.next_unread(now, least), texts.is_any_unread(), BY_ANY_ORDER
                )
                if unread is not None:
                    if unread.priority > Priority.KNOWN:
                        self._strangers.take()
                    with spans.measure("text", trace_of("text", unread.sid), "SERVER"):
                        await self._read(uow, unread)
                elif some_wait:
                    self.loop.wake_after(SWEEP_AGAIN_SECONDS)
        except Exception as error:
            if unread is not None and (pause := _pause_after(error)) is not None:
                await self._put_off(unread, pause, error)
                return unread
            if unread is None or is_transient(error):
                raise
            trace = trace_of("text", unread.sid)
            logger().error("a text could not be worked on", trace=trace, attempt=unread.tries + 1, exc_info=error)
            await self._record_failure(unread)
        return unread

    async def _read(self, uow: UnitOfWork, unread: Unread) -> None:
        now = self._clocks.wall()
        text = await texts.decrypt(uow, self._keyring, unread)
        await key_rotation.bring_over(uow, self._keyring, text.sender)
        meaning = understand(text.body)
        known, language = await context.load(uow, self._keyring, text, meaning, default=self._default, now=now)
        if known.telling is not None and is_like_a_childs(known.telling.code):
            meaning = understand(text.body, telling=known.telling.code)
        decision = decide(meaning, known)
        if text.flaw is not None and known.authority != context.NOBODY:
            decision = escalation.also_escalate(decision, known, "damaged")
        decision = self._say_what_is_so(decision, known, text.sid)
        applier = DecisionApplier(uow, self._keyring, self._delivery, text, known, decision)
        replied = await applier.apply("cy" if meaning.welsh else language, now)
        about = decision.subjects or {each.child for each in known.known} or {known.provisional}
        texts.mark_read(uow, unread.sid, at=now, replied=replied, about=about)
        uow.on_commit(lambda: self._count(known, decision, unread))

    def _say_what_is_so(self, decision: Decision, known: TextContext, sid: str) -> Decision:
        settled = facts.settle_replies(decision, known, messages.PRESUPPOSES, presuppositions.choose_true)
        for wanted, said in zip(decision.replies, settled.replies, strict=True):
            if wanted.answer is not said.answer:
                trace = trace_of("text", sid)
                logger().warning("a sentence gave way", trace=trace, name=wanted.answer, reason=said.answer)
        return settled

    async def _put_off(self, unread: Unread, pause: timedelta, error: Exception) -> None:
        """Its sender's texts wait, and the others' are read."""
        logger().warning("a text is put off", trace=trace_of("text", unread.sid), exc_info=error)
        async with self._store.transaction() as uow:
            texts.put_off(uow, unread, self._clocks.wall() + pause)

    async def _record_failure(self, unread: Unread) -> None:
        async with self._store.transaction() as uow:
            counted = await texts.count_failure(uow, unread, self._clocks.wall() + PAUSE)
            if counted and unread.tries + 1 >= TRIES:
                await self._give_up(uow, unread)

    async def _give_up(self, uow: UnitOfWork, unread: Unread) -> None:
        """Tells a person that a text could not be read. Its sender and words stay sealed where they are."""
        team = await uow.fetch(conversation.duty_team(self._default, unread.texted))
        authority = team.authority if team else self._default
        subject = provisional_child(unread.sid)
        if authority is not None:  # else the register is empty, and there is nobody to tell
            content = TextNeedsHuman(authority=authority, channel="text", reason="not-understood")
            uow.publish(
                content,
                subject=subject,
                at=unread.story_at,
                message_id=str(derived("text", unread.sid, content.kind, subject)),
                trace=trace_of("text", unread.sid),
            )
        texts.mark_read(uow, unread.sid, at=self._clocks.wall(), replied=False, about=[subject])
        uow.on_commit(metrics.GIVEN_UP.inc)

    def _count(self, known: TextContext, decision: Decision, unread: Unread) -> None:
        seconds = (self._clocks.wall() - unread.received_at).total_seconds()
        logger().info("a text was read", trace=trace_of("text", unread.sid), count=len(decision.acts), seconds=seconds)
        answer = decision.replies[0].answer if decision.replies else "none"
        metrics.READ.labels(known.kind, answer).inc()
        metrics.READING.observe(seconds)
        for act in decision.acts:
            if isinstance(act.content, TextNeedsHuman):
                metrics.TO_HUMAN.labels(act.content.reason).inc()

    async def _measure(self) -> None:
        async with self._store.read() as reader:
            count, *oldest = await reader.fetch(texts.backlog())
        metrics.UNREAD.set(count)
        for gauge, came in zip((metrics.OLDEST_UNREAD, metrics.OLDEST_KNOWN_UNREAD), oldest, strict=True):
            gauge.set((self._clocks.wall() - came).total_seconds() if came else 0)


def _pause_after(error: Exception) -> timedelta | None:
    """How long a text waits that alone may have met this. None: it does not, whatever else becomes of it."""
    if is_away(error):
        return KEY_AWAY_FOR
    return CONTENDED_FOR if is_contention(error) else None
