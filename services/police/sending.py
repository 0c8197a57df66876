"""What a parcel to a force becomes when it is first sent: which endpoint, which words, signed with what."""

from dataclasses import dataclass

from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.police.writing import write
from services.register import forces, police_notice, words
from services.register.forces import Force
from services.safeguarding.duties import Duty
from services.store.encryption import Keyring
from services.store.transaction import Transaction

UNKNOWN_FORCE_LANE = "force"


def lane_of(duty: Duty) -> str:
    return f"{UNKNOWN_FORCE_LANE}-{duty.force}" if duty.force else UNKNOWN_FORCE_LANE


@dataclass(frozen=True)
class NoticeSender:
    keyring: Keyring
    sandbox: bool

    async def prepare(self, transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        """A force that the register cannot reach is a failure at once: somebody must telephone."""
        duty = _duty(parcel)
        if parcel.exercise and not self.sandbox:
            return Undeliverable("exercise")
        force = await self._force(transaction, parcel)
        if force is None or not force.secrets:
            return Undeliverable("no-address")
        facts = await police_notice.facts(
            transaction.connection, self.keyring, parcel.child, candidates=duty.candidates, placement=duty.placement
        )
        said = await words.read(transaction.connection, self.keyring, duty.words) if duty.words else []
        notice = write(duty, facts, said, exercise=parcel.exercise)
        return Fixed(
            recipient=force.notice_url,
            body=notice.model_dump_json(),
            read=(*facts.fields, *(["words"] if said else [])),
            secrets=force.secrets,
        )

    async def secrets(self, transaction: Transaction, parcel: Parcel) -> tuple[str, ...]:
        force = await self._force(transaction, parcel)
        return () if force is None else force.secrets

    async def _force(self, transaction: Transaction, parcel: Parcel) -> Force | None:
        duty = _duty(parcel)
        if duty.force is None:
            return None
        return await forces.of(transaction.connection, self.keyring, duty.force)


def _duty(parcel: Parcel) -> Duty:
    if parcel.duty is None:
        raise ValueError("police sends tellings of duties alone")
    return parcel.duty
