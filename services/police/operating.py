"""What an operator did by a command: who, why, and to which notice, for the record. Within the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime

from services.delivery.outcomes import Speaker
from services.delivery.parcel import Parcel
from services.register import words
from services.register.operators import Operator
from services.safeguarding.operators import OperatorAct, OperatorActed
from services.store.encryption import Keyring
from services.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Command:
    """`reason` is kept encrypted in the register, under the key of whom the notice is about. `at` is story time, `now` wall time."""

    operator: Operator
    reason: str
    at: datetime
    now: datetime


async def record(
    transaction: Transaction, keyring: Keyring, command: Command, act: OperatorAct, parcel: Parcel
) -> None:
    """Published by the running service."""
    kept = await words.keep(
        transaction,
        keyring,
        about=parcel.owner,
        words=command.reason,
        said_by=command.operator.account,
        at=command.at,
    )
    duty = parcel.duty
    acted = OperatorActed(
        authority=parcel.authority or command.operator.authority,
        act=act,
        account=command.operator.account,
        role=command.operator.role,
        episode=None if duty is None else duty.episode,
        duty=None if duty is None else duty.duty,
        step=None if duty is None else duty.step,
        words=(kept,),
    )
    await Speaker("police", command.at, command.now).say(transaction, parcel, acted)
