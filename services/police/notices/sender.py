"""Prepares a notice for its first send: channel, body and signing secrets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.platform.delivery.channels.channel import MAIL_TO
from services.platform.delivery.links.tokens import GOOD_FOR, Links, Purpose
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.register.children.police_notice import facts_for_notice
from services.platform.register.organisations.forces import Force, Forces
from services.platform.register.people.reporters import Reporter, first_reporter
from services.platform.register.words import Words, words_told_to_police
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.police import store
from services.police.notices import field_agreement
from services.police.notices.builder import NoticeContext, build_notice, connection_test
from services.police.notices.schema import About, Notice
from services.safeguarding.child_events.events import PoliceNoticeHasGaps
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import ForceId
from services.safeguarding.notice_fields import CHASED

UNKNOWN_FORCE_LANE = "force"
LANE_OF_FORCE = f"{UNKNOWN_FORCE_LANE}-"
NO_ADDRESS = Undeliverable("no-address")


def lane_of(force: ForceId | None) -> str:
    """Each force has one lane for all ways to reach it."""
    return f"{LANE_OF_FORCE}{force}" if force else UNKNOWN_FORCE_LANE


def force_of(delivery: Delivery) -> ForceId | None:
    return delivery.lane.removeprefix(LANE_OF_FORCE) if delivery.lane.startswith(LANE_OF_FORCE) else None


@dataclass(frozen=True)
class NoticeSender:
    """`trust` tells the webhook channel which authority signs the certificate of a force's URL."""

    keyring: Keyring
    clocks: Clocks
    links: Links
    forces: Forces
    trust: Callable[[str, str | None], None]

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        """A force that the register cannot reach fails at once: somebody has to telephone."""
        named = force_of(delivery)
        if named is None:
            return NO_ADDRESS
        if delivery.duty is not None:
            return await self._prepare_notice(uow, delivery, delivery.duty, named)
        force = await uow.fetch(self.forces.by_id(named))
        recipient = self._recipient_of(force)
        if force is None or recipient is None:
            return NO_ADDRESS
        body = connection_test(delivery.id, self.clocks.story()).model_dump_json()
        return PreparedMessage(recipient, body, secrets=force.secrets)

    async def secrets(self, uow: UnitOfWork, delivery: Delivery) -> tuple[str, ...]:
        named = force_of(delivery)
        force = None if named is None else await uow.fetch(self.forces.by_id(named))
        self._trust(force)
        return () if force is None else force.secrets

    async def _prepare_notice(
        self, uow: UnitOfWork, delivery: Delivery, duty: Duty, named: ForceId
    ) -> PreparedMessage | Undeliverable:
        force, facts, words, reporter, earlier = await uow.fetch(
            self.forces.by_id(named),
            facts_for_notice(self.keyring, delivery.child, candidates=duty.candidates, placement=duty.placement),
            words_told_to_police(self.keyring, delivery.id),
            first_reporter(self.keyring, delivery.id),
            store.earlier_episodes(named, delivery.child, duty.episode),
        )
        read = (*facts.fields, *_other_fields(words, reporter))
        recipient = self._recipient_of(force)
        if force is None or recipient is None:
            return replace(NO_ADDRESS, read=read)
        context = NoticeContext(words, reporter, earlier if facts.child else None, self._link(delivery))
        notice = build_notice(delivery.id, duty, facts, context, exercise=delivery.exercise)
        if earlier.may_chase_gaps:
            _chase_gaps(uow, delivery, duty, force, notice)
        return PreparedMessage(
            recipient=recipient,
            body=field_agreement.redact_to_agreement(notice, force.agreed),
            read=field_agreement.disclosed_fields(read, force.agreed),
            secrets=force.secrets,
        )

    def _recipient_of(self, force: Force | None) -> str | None:
        self._trust(force)
        if force is None:
            return None
        if force.notice_url is not None and force.secrets:
            return force.notice_url
        return None if force.notice_email is None else MAIL_TO + force.notice_email

    def _trust(self, force: Force | None) -> None:
        if force is not None and force.notice_url is not None:
            self.trust(force.notice_url, force.private_ca)

    def _link(self, delivery: Delivery) -> tuple[str, datetime]:
        now = self.clocks.wall()
        return self.links.url(Purpose.DETAILS, delivery.id, now), now + GOOD_FOR


def _chase_gaps(uow: UnitOfWork, delivery: Delivery, duty: Duty, force: Force, notice: Notice) -> None:
    """Has the facts chased that a first report needs and this one lacks. The notice does not wait for them."""
    gaps = tuple(sorted(CHASED.intersection(notice.data.gaps)))
    if force.agreed:
        gaps = tuple(each for each in gaps if each in force.agreed or each.partition(".")[0] in force.agreed)
    if notice.data.about is not About.MISSING or not gaps or duty.episode is None:
        return
    if store.start_chasing_gaps(uow, force.force, duty.episode):
        found = PoliceNoticeHasGaps(authority=duty.authority, force=force.force, episode=duty.episode, gaps=gaps)
        uow.publish(found, subject=delivery.child, cause=delivery)


def _other_fields(words: Sequence[Words], reporter: Reporter | None) -> list[str]:
    """Names of the fields that come from elsewhere than the register's facts, for the audit."""
    free = any(each.answers is None for each in words)
    answered = reporter is not None or any(each.answers is not None for each in words)
    return [*(["words"] if free else []), *(["report"] if answered else [])]
