"""Says what an option may add to a service: the one seam between the core and what a buyer may leave out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.platform.runtime.logs import logger

if TYPE_CHECKING:  # a service that does not text loads no Twilio
    from services.platform.bus.service_host import ServiceHost
    from services.platform.delivery.channels.channel import ChannelSender, TextWay
    from services.platform.delivery.settings.sms import TextSettings
    from services.platform.store.encryption import KeyringSettings, KeyWrapper


@dataclass(frozen=True, slots=True)
class Option:
    """The core reads these when a process is put together, and imports no option. A function imports what it needs when
    it is called, so that a process loads only what is its own.

    By service: `pages` are mounted with what its `app.py` or `web` gives them, `parts` are added to its host.
    """

    name: str
    pages: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    parts: "Mapping[str, Callable[[ServiceHost, Any], None]]" = field(default_factory=dict)
    channels: "Mapping[str, Callable[[], ChannelSender]]" = field(default_factory=dict)
    ways: "Callable[[TextSettings], Sequence[TextWay]]" = lambda _settings: ()
    """Further ways of texting."""
    wrappers: "Mapping[str, Callable[[KeyringSettings], Sequence[KeyWrapper]]]" = field(default_factory=dict)
    """By the name that the setting `key_wrapper` gives."""
    commands: Callable[[], Mapping[str, Any]] = dict
    """Of the command line, by name: an app of Typer, or a function."""


def pages_of(options: Sequence[Option], service: str) -> list[Callable[..., None]]:
    return [each.pages[service] for each in options if service in each.pages]


def channels_of(options: Sequence[Option], service: str) -> "list[ChannelSender]":
    return [each.channels[service]() for each in options if service in each.channels]


def ways_of(options: Sequence[Option], settings: "TextSettings") -> "list[TextWay]":
    return [way for each in options for way in each.ways(settings)]


def add_parts(options: Sequence[Option], host: "ServiceHost", settings: Any) -> None:
    """And says in the log which options this process has."""
    logger().info("its options", name=", ".join(each.name for each in options) or "none")
    for each in options:
        if host.service in each.parts:
            each.parts[host.service](host, settings)
