"""Adds to police a door at which a force fetches its notices, and the channel by which they wait there."""

from typing import TYPE_CHECKING

from services.platform.option import Option

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.platform.delivery.channels.channel import ChannelSender
    from services.platform.register.organisations import Forces
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.encryption import Keyring
    from services.platform.store.unit_of_work import Store


def _mount(app: "FastAPI", store: "Store", clocks: "Clocks", keyring: "Keyring", forces: "Forces") -> None:
    from services.options.polled_forces.polled import PollEndpoint

    PollEndpoint(store, clocks, keyring, forces).mount(app)


def _channel() -> "ChannelSender":
    from services.options.polled_forces.polled import PolledSender

    return PolledSender()


OPTION = Option("polled-forces", pages={"police": _mount}, channels={"police": _channel})
