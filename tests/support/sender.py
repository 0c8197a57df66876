"""A sender of notices as a process of its own, so that it can be killed: a delivery loop over police's rows and nothing else."""

import asyncio
import os
import signal
from base64 import b64encode

from services.delivery.loop import DeliveryLoop
from services.delivery.parcel import Fixed, Parcel
from services.delivery.webhook import WebhookMedium
from services.runtime import logs
from services.runtime.clocks import Clocks
from services.runtime.settings import Settings
from services.store.encryption import Keyring
from services.store.engine import connect
from services.store.transaction import Store, Transaction
from tests.support.register import SECRET

URL = os.environ["SENDER_DESK"]


async def prepare(_: Transaction, parcel: Parcel) -> Fixed:
    return Fixed(URL, f'{{"notice":"{parcel.id}"}}', secrets=(SECRET,))


async def secrets(_: Transaction, __: Parcel) -> tuple[str, ...]:
    return (SECRET,)


async def main() -> None:
    settings = Settings()
    logs.configure("police", settings.slot)
    keyring = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
    store = Store(connect(settings, "police"))
    medium = WebhookMedium(sandbox=True)
    loop = DeliveryLoop(
        "police", store, Clocks(), medium, keyring=keyring, prepare=prepare, secrets=secrets, slot=settings.slot
    )
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await loop.start()
    await told.wait()
    await loop.stop()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
