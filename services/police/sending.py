"""What a parcel to a force becomes when it is first sent: which way, which words, signed with what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from services.delivery.links import GOOD_FOR, Links, Purpose
from services.delivery.medium import MAIL_TO
from services.delivery.outcomes import Speaker
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.police import agreeing, store
from services.police.notice import About, Notice
from services.police.writing import Beside, connection_test, write
from services.register import forces, police_notice, reporters, words
from services.register.forces import Force, Forces
from services.register.reporters import Reporter
from services.register.words import Words
from services.runtime.clocks import Clocks
from services.safeguarding.duties import Duty
from services.safeguarding.events import PoliceNoticeHasGaps
from services.safeguarding.identifiers import ForceId
from services.safeguarding.notice_fields import CHASED
from services.store.encryption import Keyring
from services.store.pipeline import Statement
from services.store.transaction import Transaction

Rows: TypeAlias = Sequence[tuple[Any, ...]]

UNKNOWN_FORCE_LANE = "force"
LANE_OF_FORCE = f"{UNKNOWN_FORCE_LANE}-"


def lane_of(force: ForceId | None) -> str:
    """A lane a force, whichever way it is reached."""
    return f"{LANE_OF_FORCE}{force}" if force else UNKNOWN_FORCE_LANE


def force_of(parcel: Parcel) -> ForceId | None:
    return parcel.lane.removeprefix(LANE_OF_FORCE) if parcel.lane.startswith(LANE_OF_FORCE) else None


@dataclass(frozen=True)
class NoticeSender:
    """`trust` tells the medium which authority signs a force's certificate."""

    keyring: Keyring
    clocks: Clocks
    links: Links
    forces: Forces
    trust: Callable[[str, str | None], None]

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        """A force that the register cannot reach is a failure at once: somebody must telephone."""
        force, read = await self._read(transaction, parcel)
        recipient = None if force is None else _way_to(force)
        if force is None or recipient is None:
            return Undeliverable("no-address")
        if parcel.duty is None:
            test = connection_test(parcel.id, self.clocks.story())
            return Fixed(recipient, test.model_dump_json(), secrets=force.secrets)
        return await self._notice(transaction, parcel, parcel.duty, force, recipient, read)

    async def secrets(self, transaction: Transaction, parcel: Parcel) -> tuple[str, ...]:
        named = force_of(parcel)
        force = None if named is None else await self.forces.of(transaction.connection, named)
        self._trust(force)
        return () if force is None else force.secrets

    async def _read(self, transaction: Transaction, parcel: Parcel) -> tuple[Force | None, Sequence[Rows]]:
        """The force, and the rows of what is asked for its notice, in one round trip."""
        named, duty = force_of(parcel), parcel.duty
        if named is None:
            return None, ()
        force = self.forces.fresh(named)
        of_force = () if force is not None else (forces.asked(named),)
        of_notice = () if duty is None else _asked(parcel, duty, named)
        rows = await store.after_what_was_told(transaction, *of_notice, *of_force)
        if force is None:
            force = self.forces.opened(named, rows.pop())
        self._trust(force)
        return force, rows

    def _trust(self, force: Force | None) -> None:
        if force is not None and force.notice_url is not None:
            self.trust(force.notice_url, force.private_ca)

    async def _notice(
        self,
        transaction: Transaction,
        parcel: Parcel,
        duty: Duty,
        force: Force,
        recipient: str,
        read: Sequence[Rows],
    ) -> Fixed:
        about, spoken, speaker, [(count, last, not_chased)] = read
        facts = await police_notice.opened(
            transaction.connection,
            self.keyring,
            parcel.child,
            about,
            candidates=duty.candidates,
            placement=duty.placement,
        )
        said, reporter = words.opened(self.keyring, spoken), reporters.opened(self.keyring, speaker)
        beside = Beside(said, reporter, (count, last) if facts.child else None, self._link(parcel))
        notice = write(parcel.id, duty, facts, beside, exercise=parcel.exercise)
        if not_chased:
            await self._chase(transaction, parcel, duty, force, notice)
        return Fixed(
            recipient=recipient,
            body=agreeing.as_agreed(notice, force.agreed),
            read=agreeing.told((*facts.fields, *_read_of(said, reporter)), force.agreed),
            secrets=force.secrets,
        )

    def _link(self, parcel: Parcel) -> tuple[str, datetime]:
        now = self.clocks.wall()
        return self.links.url(Purpose.DETAILS, parcel.id, now), now + GOOD_FOR

    async def _chase(self, transaction: Transaction, parcel: Parcel, duty: Duty, force: Force, notice: Notice) -> None:
        """What a first report should have said is asked for; it is not waited for."""
        gaps = tuple(sorted(CHASED.intersection(notice.data.gaps)))
        if force.agreed:
            gaps = tuple(each for each in gaps if each in force.agreed or each.partition(".")[0] in force.agreed)
        if notice.data.about is not About.MISSING or not gaps or duty.episode is None:
            return
        if not store.chases_gaps(transaction, force.force, duty.episode):
            return
        lacks = PoliceNoticeHasGaps(authority=duty.authority, force=force.force, episode=duty.episode, gaps=gaps)
        await Speaker("police", self.clocks.story(), self.clocks.wall()).say(transaction, parcel, lacks)


def _asked(parcel: Parcel, duty: Duty, force: ForceId) -> tuple[Statement, ...]:
    """What a notice is made of."""
    return (
        police_notice.asked(parcel.child, duty.candidates),
        words.asked(parcel.id),
        reporters.asked(parcel.id),
        store.before_notice(force, parcel.child, duty.episode),
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
