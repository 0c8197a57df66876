"""Opens a service's store for a command, which goes by the database's clock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from pydantic import SecretStr

from services.platform.messages.signature import NamedKey, Signer, read_signing_key
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.settings import Settings, SigningKeys
from services.platform.store.engine import connect
from services.platform.store.story_time import story_clock
from services.platform.store.unit_of_work import Origin, Store


@asynccontextmanager
async def opened(
    settings: Settings, service: str, clocks: Clocks | None = None, *, signing_key: SecretStr | None = None
) -> AsyncIterator[Store]:
    """For a command: the store as the service has it, closed at the end of the block. The database sets `clocks`: by a
    machine's wrong one, a code would be too old or good for ever. The store publishes with the key that is given or
    set; without one, pydantic's ValidationError is raised then.
    """
    clocks = clocks or Clocks()

    def own() -> NamedKey:
        return read_signing_key(service, (signing_key or SigningKeys().signing_key).get_secret_value())

    engine = connect(settings, service, for_command=True)
    store = Store(engine, origin=Origin(service, clocks, Signer(cache(own))))
    try:
        async with store.reading.connect() as connection:
            await story_clock.set_by(connection, clocks)
        yield store
    finally:
        await store.close()
