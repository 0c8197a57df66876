"""Reads the texts that were kept, each once, in order for its sender, and brings about what it means."""

import asyncio
from datetime import timedelta

from services.carers import metrics
from services.carers.conversation import context
from services.carers.conversation.effects import DecisionApplier
from services.carers.policy.consequences import escalation
from services.carers.policy.context import TextContext
from services.carers.policy.decision import Decision
from services.carers.policy.sender_policy import decide
from services.carers.store import key_rotation, texts
from services.carers.store.texts import Unread
from services.carers.understanding.grammar import understand
from services.platform.register import conversation
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.logs import logger
from services.platform.runtime.periodic import Repeating
from services.platform.store.encryption import Keyring
from services.platform.store.transient_errors import is_transient
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.events import TextNeedsHuman
from services.safeguarding.identifiers import AuthorityId, derived, provisional_child, trace_of

AT_ONCE = 4
SWEEP_EVERY_SECONDS = 0.5
MEASURE_EVERY_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 0.05
"""After what was read: another process may have kept a text of the same sender meanwhile, and have found it behind that one."""
TRIES = 3
"""A text that our own code fails at so often goes to a person instead, and its sender's later texts go on."""
PAUSE = timedelta(milliseconds=500)


class Reader:
    """`default` is the authority whose duty team reads what strangers send."""

    def __init__(
        self, store: Store, keyring: Keyring, clocks: Clocks, carrying_out: DecisionApplier, default: AuthorityId | None
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._clocks = clocks
        self._carrying_out = carrying_out
        self._default = default
        self._at_once = 1
        self.loop = Repeating("reading texts", self._turn, every_seconds=SWEEP_EVERY_SECONDS)
        self.measuring = Repeating("text backlog", self._measure, every_seconds=MEASURE_EVERY_SECONDS)

    async def _turn(self) -> bool:
        """As many looks at once as senders were seen to wait. After a text behind which none was seen the table is let alone, so that
        what was read is published first: whoever keeps a text wakes the loop.
        """
        read = await asyncio.gather(*(self._read_next() for _ in range(self._at_once)), return_exceptions=True)
        found = [each for each in read if isinstance(each, Unread)]
        waiting = {sid for each in found for sid in each.waiting} - {each.sid for each in found}
        self._at_once = max(1, min(len(waiting), AT_ONCE))
        for each in read:
            if isinstance(each, BaseException):
                raise each
        if found:
            asyncio.get_running_loop().call_later(LOOK_AGAIN_SECONDS, self.loop.wake)
        return bool(waiting)

    async def _read_next(self) -> Unread | None:
        """None when there is none to read."""
        unread: Unread | None = None
        try:
            async with self._store.transaction() as uow:
                unread = await texts.next_unread(uow, self._clocks.wall())
                if unread is not None:
                    await self._read(uow, unread)
        except Exception as error:
            if unread is None or is_transient(error):
                raise
            trace = trace_of("text", unread.sid)
            logger().error("a text could not be worked on", trace=trace, attempt=unread.tries + 1, exc_info=error)
            await self._failed(unread)
        return unread

    async def _read(self, uow: UnitOfWork, unread: Unread) -> None:
        now = self._clocks.wall()
        text = await texts.opened(uow, self._keyring, unread)
        await key_rotation.bring_over(uow, self._keyring, text.sender)
        meaning = understand(text.body)
        scene, speaker = await context.load(uow, self._keyring, text, meaning, default=self._default, now=now)
        decision = decide(meaning, scene)
        if text.flaw is not None:
            decision = escalation.also_escalate(decision, scene, "damaged")
        replied = await self._carrying_out.apply(uow, text, scene, speaker, decision, welsh=meaning.welsh, now=now)
        texts.read(uow, unread.sid, at=now, replied=replied)
        uow.on_commit(lambda: self._count(scene, decision, unread))

    async def _failed(self, unread: Unread) -> None:
        async with self._store.transaction() as uow:
            counted = await texts.failed(uow, unread, self._clocks.wall() + PAUSE)
            if counted and unread.tries + 1 >= TRIES:
                await self._give_up(uow, unread)

    async def _give_up(self, uow: UnitOfWork, unread: Unread) -> None:
        """A person is told that there is a text nobody could read. Who sent it and what it says stays sealed where it lies."""
        authority = self._default or await conversation.first_authority(uow.connection)
        if authority is None:
            raise context.NobodyToAsk
        subject = provisional_child(unread.sid)
        content = TextNeedsHuman(authority=authority, channel="text", reason="not-understood")
        uow.publish(
            content,
            subject=subject,
            at=unread.story_at,
            message_id=str(derived("text", unread.sid, content.kind, subject)),
            trace=trace_of("text", unread.sid),
        )
        texts.read(uow, unread.sid, at=self._clocks.wall(), replied=False)
        uow.on_commit(metrics.GIVEN_UP.inc)

    def _count(self, scene: TextContext, decision: Decision, unread: Unread) -> None:
        seconds = (self._clocks.wall() - unread.received_at).total_seconds()
        logger().info("a text was read", trace=trace_of("text", unread.sid), count=len(decision.acts), seconds=seconds)
        metrics.READ.labels(scene.kind, decision.answer or "none").inc()
        metrics.READING.observe(seconds)
        for act in decision.acts:
            if isinstance(act.content, TextNeedsHuman):
                metrics.TO_HUMAN.labels(act.content.reason).inc()

    async def _measure(self) -> bool:
        async with self._store.reading.connect() as connection:
            count, oldest = await texts.backlog(connection)
        metrics.UNREAD.set(count)
        metrics.OLDEST_UNREAD.set((self._clocks.wall() - oldest).total_seconds() if oldest else 0)
        return False
