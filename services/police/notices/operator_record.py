"""Records an operator's command: who gave it, why, and for which notice."""

from dataclasses import dataclass
from datetime import datetime

from services.platform.delivery.model import Delivery
from services.platform.register import words
from services.platform.register.people.operators import Operator
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.operators import OperatorAct, OperatorActed


@dataclass(frozen=True, slots=True)
class Command:
    """`reason` is stored in the register, encrypted under the key of the person whom the notice is about. `at` is story
    time, `now` wall time.
    """

    operator: Operator
    reason: str
    at: datetime
    now: datetime


async def record_operator_act(
    uow: UnitOfWork, keyring: Keyring, command: Command, act: OperatorAct, delivery: Delivery
) -> None:
    """Within the caller's transaction. The running service publishes it."""
    kept = await words.keep(
        uow,
        keyring,
        about=delivery.owner,
        words=command.reason,
        said_by=command.operator.account,
        at=command.at,
    )
    duty = delivery.duty
    acted = OperatorActed(
        authority=delivery.authority or command.operator.only_authority,
        act=act,
        account=command.operator.account,
        role=command.operator.role,
        episode=None if duty is None else duty.episode,
        duty=None if duty is None else duty.duty,
        step=None if duty is None else duty.step,
        words=(kept,),
    )
    uow.publish(acted, subject=delivery.child, cause=delivery, at=command.at)
