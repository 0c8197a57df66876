"""Prepares a notice for its first send: channel, body and signing secrets.

For the commands, notices are queued again and who asked is recorded; the running service sends them.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from services.platform.delivery.channels.channel import MAIL_TO, POLLED
from services.platform.delivery.channels.webhook import Client, Trust
from services.platform.delivery.links import Links, Purpose
from services.platform.delivery.model import Delivery, PreparedMessage, State, Undeliverable
from services.platform.delivery.queue.repository import Chosen, channel_of, put, replay
from services.platform.delivery.settings.keys import KeySettings
from services.platform.register import operators, organisations, words
from services.platform.register.police_notice import Reporter, facts_for_notice, first_reporter
from services.platform.register.words import Words, words_told_to_police
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows, scalar
from services.platform.store.story_clock import opened
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.police import store
from services.police.notices import builder
from services.police.notices.builder import NoticeContext, build_notice, connection_test
from services.police.notices.schema import About, Notice
from services.safeguarding.child_events.events import PoliceNoticeHasGaps
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import ForceId
from services.safeguarding.notice_fields import CHASED
from services.safeguarding.operators import OperatorAct, OperatorActed
from services.safeguarding.working_time import day_in_england

UNKNOWN_FORCE_LANE = "force"
LANE_OF_FORCE = f"{UNKNOWN_FORCE_LANE}-"
TRIAL = "@"
NO_ADDRESS = Undeliverable("no-address")
NO_AGREEMENT = "sharing-agreement"
"""Named among the gaps: only the least was sent."""


def lane_of(force: ForceId | None, trial: UUID | None = None) -> str:
    """Each force has one lane for all ways to reach it. The `trial` of a proposed version has a lane of its own: if it
    fails, that says nothing about the address that is in force.
    """
    lane = f"{LANE_OF_FORCE}{force}" if force else UNKNOWN_FORCE_LANE
    return lane if trial is None else f"{lane}{TRIAL}{trial}"


def force_of(delivery: Delivery) -> ForceId | None:
    name, _, _ = delivery.lane.partition(TRIAL)
    return name.removeprefix(LANE_OF_FORCE) if name.startswith(LANE_OF_FORCE) else None


def version_for(delivery: Delivery, force: organisations.Force | None) -> organisations.Force | None:
    """The version that it is sent to: of a trial, the proposed one."""
    _, _, trial = delivery.lane.partition(TRIAL)
    if force is None or not trial:
        return force
    return next((each for each in force.proposed if str(each.version) == trial), None)


@dataclass(frozen=True)
class NoticeSender:
    """`trust` tells the webhook channel whose certificates count at a force's URL, and which one we show there."""

    keyring: Keyring
    clocks: Clocks
    links: Links
    forces: organisations.Forces
    trust: Callable[[str, Trust], None]

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        """A force that the register cannot reach fails at once: somebody has to telephone."""
        named = force_of(delivery)
        if named is None:
            return NO_ADDRESS
        if delivery.duty is not None:
            return await self._prepare_notice(uow, delivery, delivery.duty, named)
        force = version_for(delivery, await uow.fetch(self.forces.by_id(named)))
        recipient = self._recipient_of(force)
        if force is None or recipient is None:
            return NO_ADDRESS
        body = connection_test(delivery.id, self.clocks.story()).model_dump_json()
        return PreparedMessage(recipient, body, secrets=force.secrets)

    async def secrets(self, uow: UnitOfWork, delivery: Delivery) -> tuple[str | None, tuple[str, ...]]:
        """Waiting notices follow their force: to another address, or from polling to a webhook."""
        named = force_of(delivery)
        force = None if named is None else version_for(delivery, await uow.fetch(self.forces.by_id(named)))
        return self._recipient_of(force), () if force is None else force.secrets

    async def _prepare_notice(
        self, uow: UnitOfWork, delivery: Delivery, duty: Duty, named: ForceId
    ) -> PreparedMessage | Undeliverable:
        force, sharing, facts, words, reporter, earlier = await uow.fetch(
            self.forces.by_id(named),
            organisations.sharing_on(day_in_england(self.clocks.story()), duty.authority, named),
            facts_for_notice(self.keyring, delivery.child, candidates=duty.candidates, placement=duty.placement),
            words_told_to_police(self.keyring, delivery.id),
            first_reporter(self.keyring, delivery.id),
            store.earlier_episodes(named, delivery.child, duty.episode),
        )
        read = (*facts.fields, *_other_fields(words, reporter))
        recipient = self._recipient_of(force)
        if force is None or recipient is None:
            return replace(NO_ADDRESS, read=read)
        context = NoticeContext(words, reporter, earlier if facts.child else None, self._link(delivery), sharing)
        notice = build_notice(delivery.id, duty, facts, context, exercise=delivery.exercise)
        if earlier.may_chase_gaps:
            _chase_gaps(uow, delivery, duty, sharing, notice)
        return PreparedMessage(
            recipient=recipient,
            body=builder.redact_to_agreement(notice, sharing.fields),
            read=builder.disclosed_fields(read, sharing.fields),
            secrets=force.secrets,
        )

    def _recipient_of(self, force: organisations.Force | None) -> str | None:
        """The fragment of the URL names the version, and never travels. What is trusted goes by the URL: at the same
        address, what another force trusts or what is only proposed must not count.
        """
        if force is None:
            return None
        if force.notice_url is not None and force.secrets:
            url = f"{force.notice_url}#{force.version}"
            client = None if force.oauth is None else Client(**force.oauth)
            self.trust(url, Trust(force.private_ca, force.client_certificate, client))
            return url
        if force.polls:
            return POLLED
        return None if force.notice_email is None else MAIL_TO + force.notice_email

    def _link(self, delivery: Delivery) -> tuple[str, datetime]:
        now = self.clocks.wall()
        return self.links.url(Purpose.DETAILS, delivery.id, now), now + Purpose.DETAILS.good_for


def _chase_gaps(
    uow: UnitOfWork, delivery: Delivery, duty: Duty, sharing: organisations.Sharing, notice: Notice
) -> None:
    """Has a lacking agreement chased, and the facts that a first report needs and lacks. The notice does not wait."""
    lacking, agreed = sorted(CHASED.intersection(notice.data.gaps)), sharing.fields
    gaps = [] if sharing.is_agreed else [NO_AGREEMENT]
    gaps += [each for each in lacking if each in agreed or each.partition(".")[0] in agreed]
    if notice.data.about is not About.MISSING or not gaps or duty.episode is None or duty.force is None:
        return
    if store.start_chasing_gaps(uow, duty.force, duty.episode):
        found = PoliceNoticeHasGaps(authority=duty.authority, force=duty.force, episode=duty.episode, gaps=tuple(gaps))
        uow.publish(found, subject=delivery.child, cause=delivery)


def _other_fields(words: Sequence[Words], reporter: Reporter | None) -> list[str]:
    """Names of the fields that come from elsewhere than the register's facts, for the audit."""
    is_answer = {each.answers is not None for each in words}
    found = {"words": False in is_answer, "report": reporter is not None or True in is_answer}
    return [name for name, was_read in found.items() if was_read]


TEST_SECONDS = 30.0
POLL_SECONDS = 0.2
STATE = "SELECT state FROM delivery.deliveries WHERE id = %(test)s"
MADE = "SELECT result, status, took_ms FROM delivery.attempts WHERE delivery = %(test)s"
GOOD = frozenset({State.ACCEPTED, State.ACKNOWLEDGED})


class NobodyMay(Exception):
    """The code is no longer good, or its owner may not send notices again."""


@dataclass(frozen=True, slots=True)
class Command:
    """`at` is story time, `now` wall time."""

    operator: operators.Operator
    reason: str
    at: datetime
    now: datetime


async def replay_notices(chosen: Chosen, code: str, reason: str) -> int:
    """The number of notices that are sent again, each recorded. Raises NobodyMay."""
    settings, clocks = KeySettings(), Clocks()
    async with opened(settings, "police", clocks) as store, store.transaction() as uow:
        command = await _command(uow, clocks, code, reason)
        again = await replay(uow, replace(chosen, authorities=command.operator.scope), command.now)
        uow.notify(channel_of("police"))
        for delivery in again:
            act = OperatorAct.SENT_AGAIN if delivery.duty is not None else OperatorAct.CONNECTION_TESTED
            await _record(uow, settings.keyring, command, act, delivery)
        return len(again)


async def send_connection_test(force: str, code: str, reason: str, change: UUID | None = None) -> tuple[bool, str]:
    """Whether the force's system accepted the test, and a sentence about it. Raises NobodyMay."""
    settings, clocks = KeySettings(), Clocks()
    keyring = settings.keyring
    async with opened(settings, "police", clocks) as store:
        async with store.transaction() as uow:
            command = await _command(uow, clocks, code, reason)
            known = organisations.in_force(await uow.fetch(organisations.versions_of(keyring, force)), command.now)
            if known is None:
                return False, "the register knows no such force"
            if change is not None and change not in {each.version for each in known.proposed}:
                return False, "no such change of this force waits for approval"
            test = await put_test(uow, keyring, force, command.now, change)
            await _record(uow, keyring, command, OperatorAct.CONNECTION_TESTED, test)
        return await _outcome(store, test.id)


async def put_test(
    uow: UnitOfWork, keyring: Keyring, force: ForceId, now: datetime, change: UUID | None = None
) -> Delivery:
    """The running service sends it: by the proposed `change`, if one is given. `now` is wall time."""
    owner = organisations.force_owner(force)
    delivery = Delivery(
        id=uuid4(), lane=lane_of(force, change), child=owner, created_at=now, exercise=True, key_owner=owner
    )
    await put(uow, "police", delivery, keyring, None)
    uow.notify(channel_of("police"))
    return delivery


async def _command(uow: UnitOfWork, clocks: Clocks, code: str, reason: str) -> Command:
    operator = await uow.fetch(operators.operator_by_code(code, clocks.wall()))
    if operator is None:
        raise NobodyMay
    return Command(operator, reason, clocks.story(), clocks.wall())


async def _record(uow: UnitOfWork, keyring: Keyring, command: Command, act: OperatorAct, delivery: Delivery) -> None:
    """Keeps the reason under the key of whom the notice is about. The running service publishes the act."""
    operator, duty = command.operator, delivery.duty
    kept = await words.keep(
        uow, keyring, about=delivery.owner, words=command.reason, said_by=operator.account, at=command.at
    )
    acted = OperatorActed(
        authority=delivery.authority or operator.only_authority,
        act=act,
        account=operator.account,
        role=operator.role,
        episode=None if duty is None else duty.episode,
        duty=None if duty is None else duty.duty,
        step=None if duty is None else duty.step,
        words=(kept,),
    )
    uow.publish(acted, subject=delivery.child, cause=delivery, at=command.at)


async def _outcome(store: Store, test: UUID) -> tuple[bool, str]:
    """Waits at most TEST_SECONDS for the answer to the first attempt."""
    deadline = time.monotonic() + TEST_SECONDS
    while True:
        async with store.read() as reader:
            state, made = await reader.fetch(
                Query(STATE, {"test": test}, scalar), Query(MADE, {"test": test}, all_rows)
            )
        if made or state == State.FAILED:
            break
        if time.monotonic() > deadline:
            return False, f"test {test} waits: is the police service running?"
        await asyncio.sleep(POLL_SECONDS)
    tries = "; ".join(f"{each.result} ({each.status or 'no answer'}, {each.took_ms} ms)" for each in made)
    return state in GOOD, f"test {test}: {state}{': ' + tries if tries else ''}"
