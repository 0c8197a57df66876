"""What a parcel to a force becomes when it is first sent: which way, which words, signed with what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from services.platform.delivery.channels.channel import MAIL_TO
from services.platform.delivery.links.tokens import GOOD_FOR, Links, Purpose
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.register import forces, police_notice, reporters, words
from services.platform.register.forces import Force, Forces
from services.platform.register.reporters import Reporter
from services.platform.register.words import Words
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Statement
from services.platform.store.unit_of_work import UnitOfWork
from services.police import store
from services.police.notices import field_agreement
from services.police.notices.builder import NoticeContext, build_notice, connection_test
from services.police.notices.schema import About, Notice
from services.safeguarding.duties import Duty
from services.safeguarding.events import PoliceNoticeHasGaps
from services.safeguarding.identifiers import ForceId
from services.safeguarding.notice_fields import CHASED

Rows: TypeAlias = Sequence[tuple[Any, ...]]

UNKNOWN_FORCE_LANE = "force"
LANE_OF_FORCE = f"{UNKNOWN_FORCE_LANE}-"


def lane_of(force: ForceId | None) -> str:
    """A lane a force, whichever way it is reached."""
    return f"{LANE_OF_FORCE}{force}" if force else UNKNOWN_FORCE_LANE


def force_of(delivery: Delivery) -> ForceId | None:
    return delivery.lane.removeprefix(LANE_OF_FORCE) if delivery.lane.startswith(LANE_OF_FORCE) else None


@dataclass(frozen=True)
class NoticeSender:
    """`trust` tells the medium which authority signs a force's certificate."""

    keyring: Keyring
    clocks: Clocks
    links: Links
    forces: Forces
    trust: Callable[[str, str | None], None]

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        """A force that the register cannot reach is a failure at once: somebody must telephone."""
        force, read = await self._read(uow, delivery)
        recipient = None if force is None else _way_to(force)
        if force is None or recipient is None:
            return Undeliverable("no-address")
        if delivery.duty is None:
            test = connection_test(delivery.id, self.clocks.story())
            return PreparedMessage(recipient, test.model_dump_json(), secrets=force.secrets)
        return await self._notice(uow, delivery, delivery.duty, force, recipient, read)

    async def secrets(self, uow: UnitOfWork, delivery: Delivery) -> tuple[str, ...]:
        named = force_of(delivery)
        force = None if named is None else await self.forces.of(uow.connection, named)
        self._trust(force)
        return () if force is None else force.secrets

    async def _read(self, uow: UnitOfWork, delivery: Delivery) -> tuple[Force | None, Sequence[Rows]]:
        """The force, and the rows of what is asked for its notice, in one round trip."""
        named, duty = force_of(delivery), delivery.duty
        if named is None:
            return None, ()
        force = self.forces.fresh(named)
        of_force = () if force is not None else (forces.asked(named),)
        of_notice = () if duty is None else _asked(delivery, duty, named)
        rows = await store.after_what_was_told(uow, *of_notice, *of_force)
        if force is None:
            force = self.forces.opened(named, rows.pop())
        self._trust(force)
        return force, rows

    def _trust(self, force: Force | None) -> None:
        if force is not None and force.notice_url is not None:
            self.trust(force.notice_url, force.private_ca)

    async def _notice(
        self,
        uow: UnitOfWork,
        delivery: Delivery,
        duty: Duty,
        force: Force,
        recipient: str,
        read: Sequence[Rows],
    ) -> PreparedMessage:
        about, spoken, speaker, [(count, last, not_chased)] = read
        facts = await police_notice.opened(
            uow.connection,
            self.keyring,
            delivery.child,
            about,
            candidates=duty.candidates,
            placement=duty.placement,
        )
        said = words.open_words(self.keyring, spoken)
        reporter = reporters.first_reporter(self.keyring, delivery.id).decode(speaker)
        beside = NoticeContext(said, reporter, (count, last) if facts.child else None, self._link(delivery))
        notice = build_notice(delivery.id, duty, facts, beside, exercise=delivery.exercise)
        if not_chased:
            await self._chase(uow, delivery, duty, force, notice)
        return PreparedMessage(
            recipient=recipient,
            body=field_agreement.redact_to_agreement(notice, force.agreed),
            read=field_agreement.disclosed_fields((*facts.fields, *_read_of(said, reporter)), force.agreed),
            secrets=force.secrets,
        )

    def _link(self, delivery: Delivery) -> tuple[str, datetime]:
        now = self.clocks.wall()
        return self.links.url(Purpose.DETAILS, delivery.id, now), now + GOOD_FOR

    async def _chase(self, uow: UnitOfWork, delivery: Delivery, duty: Duty, force: Force, notice: Notice) -> None:
        """What a first report should have said is asked for; it is not waited for."""
        gaps = tuple(sorted(CHASED.intersection(notice.data.gaps)))
        if force.agreed:
            gaps = tuple(each for each in gaps if each in force.agreed or each.partition(".")[0] in force.agreed)
        if notice.data.about is not About.MISSING or not gaps or duty.episode is None:
            return
        if not store.chases_gaps(uow, force.force, duty.episode):
            return
        lacks = PoliceNoticeHasGaps(authority=duty.authority, force=force.force, episode=duty.episode, gaps=gaps)
        uow.publish(lacks, subject=delivery.child, cause=delivery)


def _asked(delivery: Delivery, duty: Duty, force: ForceId) -> tuple[Statement, ...]:
    """What a notice is made of."""
    return (
        police_notice.asked(delivery.child, duty.candidates),
        (words.TOLD_TO_POLICE, {"delivery": delivery.id}),
        (reporters.FIRST_REPORTER, {"delivery": delivery.id}),
        store.before_notice(force, delivery.child, duty.episode),
    )


def _read_of(said: Sequence[Words], reporter: Reporter | None) -> list[str]:
    """Names of what was read beside the register's fields, for the audit."""
    free = any(each.answers is None for each in said)
    answered = reporter is not None or any(each.answers is not None for each in said)
    return [*(["words"] if free else []), *(["report"] if answered else [])]


def _way_to(force: Force) -> str | None:
    if force.notice_url is not None and force.secrets:
        return force.notice_url
    return None if force.notice_email is None else MAIL_TO + force.notice_email
