"""An exercise runs from end to end, but reaches nobody real: who is practised on has not asked for it."""

from services.delivery.attempt import Prepare
from services.delivery.parcel import Fixed, Parcel, Undeliverable
from services.store.transaction import Transaction


def kept_in_the_sandbox(prepare: Prepare, *, sandbox: bool) -> Prepare:
    """`prepare`, asked for exercises only where a sandbox plays every recipient. Elsewhere their duty ends, with that as its reason."""

    async def prepared(transaction: Transaction, parcel: Parcel) -> Fixed | Undeliverable:
        if parcel.exercise and not sandbox:
            return Undeliverable("exercise")
        return await prepare(transaction, parcel)

    return prepared
