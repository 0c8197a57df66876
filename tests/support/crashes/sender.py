"""A sender of notices as a process of its own, so that it can be killed: a delivery loop over police's rows and nothing else."""

import asyncio
import os
import signal
from base64 import b64encode

from services.platform.delivery.channels.webhook import WebhookMedium
from services.platform.delivery.model import Delivery, PreparedMessage
from services.platform.delivery.sending.worker import DeliveryLoop
from services.platform.runtime import logs
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.settings import Settings
from services.platform.store.encryption import Keyring
from services.platform.store.engine import connect
from services.platform.store.unit_of_work import Origin, Store, UnitOfWork
from tests.support.in_process.register import SECRET

URL = os.environ["SENDER_DESK"]


async def prepare(_: UnitOfWork, delivery: Delivery) -> PreparedMessage:
    return PreparedMessage(URL, f'{{"notice":"{delivery.id}"}}', secrets=(SECRET,))


async def secrets(_: UnitOfWork, __: Delivery) -> tuple[None, tuple[str, ...]]:
    return None, (SECRET,)


async def main() -> None:
    settings = Settings()
    logs.configure("police", settings.slot)
    keyring = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
    store = Store(connect(settings, "police"), origin=Origin("police", Clocks()))
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
