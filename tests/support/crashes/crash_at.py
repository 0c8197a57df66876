"""Runs a service that kills itself at one step: `python -m tests.support.crashes.crash_at STEP NTH SERVICE`.

`... ORDERS SERVICE`: at the step that the file ORDERS names, once a test has written it (`STEP NTH`). Kill -9, as a power cut would. The steps are those between which something could be lost or done twice: a message's
effects before and after their commit, their publication, the acknowledgement, and a delivery's begin, send and end.
"""

import asyncio
import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from services.platform.bus.consumer import Consumer
from services.platform.bus.message_processor import MessageProcessor
from services.platform.bus.outbox_relay import OutboxRelay
from services.platform.delivery.channels.channel import ChannelRegistry
from services.platform.delivery.sending.results import ResultWriter
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.run import fit_options


class Countdown:
    def __init__(self, nth: int) -> None:
        self._left = nth

    def reached(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class CountdownOnOrder(Countdown):
    """Counts from the moment at which the order is there."""

    def __init__(self, step: str, orders: Path) -> None:
        super().__init__(0)
        self._step = step
        self._orders = orders

    def reached(self) -> None:
        if not self._orders.exists():
            return
        step, nth = self._orders.read_text().split()
        if step == self._step:
            self._left = self._left or int(nth)
            super().reached()


def around(owner: Any, name: str, countdown: Countdown, when: Literal["before", "after"]) -> None:
    """Counts each call of `owner.name`, which is a coroutine function, before it begins or after it has returned."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    async def counted(*args: Any, **rest: Any) -> Any:
        if when == "before":
            countdown.reached()
        answer = await inner(*args, **rest)
        if when == "after":
            countdown.reached()
        return answer

    setattr(owner, name, counted)


def handled(countdown: Countdown) -> None:
    """The handler has written its effects; the transaction is not committed."""
    inner = MessageProcessor.__init__

    def counted(self: MessageProcessor, *args: Any, **rest: Any) -> None:
        inner(self, *args, **rest)
        for kind, each in self.subscriptions.items():
            self.subscriptions[kind] = replace(each, handler=_then(each.handler, countdown))

    MessageProcessor.__init__ = counted  # type: ignore[method-assign]


def _then(handler: Callable[..., Any], countdown: Countdown) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def counted(*args: Any) -> None:
        await handler(*args)
        countdown.reached()

    return counted


def committed(countdown: Countdown) -> None:
    """The effects are committed; nothing is published. What the sweep finds later does not count."""
    inner = OutboxRelay.__init__

    def counted(self: OutboxRelay, settings: Any, store: Store, clocks: Any, signer: Any) -> None:
        inner(self, settings, store, clocks, signer)
        publish = store.on_published

        def on_published(uow: UnitOfWork) -> None:
            countdown.reached()
            assert publish is not None
            publish(uow)

        store.on_published = on_published

    OutboxRelay.__init__ = counted  # type: ignore[method-assign]


def read(countdown: Countdown) -> None:
    """A text has been read and its effects written; the transaction is not committed."""
    reading = importlib.import_module("services.carers.conversation.worker")
    around(reading.TextWorker, "_read", countdown, "after")


def kept(countdown: Countdown, when: Literal["before", "after"]) -> None:
    """A text has come; it is not kept yet, or is kept and its webhook not answered."""
    intake = importlib.import_module("services.carers.inbound.intake")
    around(intake.Intake, "take", countdown, when)


def taken(countdown: Countdown, door: str) -> None:
    """Something has been taken in, and its sender not answered."""
    module, name, method = door.rsplit(".", 2)
    around(getattr(importlib.import_module(f"services.{module}"), name), method, countdown, "after")


def written(countdown: Countdown, module: str, name: str) -> None:
    """Something has been written; the transaction is not committed."""
    around(importlib.import_module(f"services.{module}"), name, countdown, "after")


def acknowledged(countdown: Countdown) -> None:
    """Messages are done with, whichever consumer brought them."""
    around(Consumer, "_process", countdown, "after")


def acted(countdown: Countdown, name: str) -> None:
    """An operator's act is written (`_act`), or committed and its browser not answered (`act`)."""
    around(importlib.import_module("services.console.acts.service").ActService, name, countdown, "after")


STEPS: dict[str, Callable[[Countdown], None]] = {
    "before-keeping": lambda countdown: kept(countdown, "before"),
    "kept": lambda countdown: kept(countdown, "after"),
    "read": read,
    "event-written": lambda countdown: written(countdown, "casework.web", "accept_event"),
    "event-taken": lambda countdown: taken(countdown, "casework.web.EventEndpoint.take_event"),
    "photograph-written": lambda countdown: written(
        countdown, "options.register_upkeep.photographs", "keep_photograph"
    ),
    "photograph-taken": lambda countdown: taken(
        countdown, "options.register_upkeep.photographs.PhotographEndpoint.take_photograph"
    ),
    "act-written": lambda countdown: acted(countdown, "_act"),
    "act-taken": lambda countdown: acted(countdown, "act"),
    "handled": handled,
    "committed": committed,
    "published": lambda countdown: around(OutboxRelay, "_send", countdown, "after"),
    "settled": lambda countdown: around(OutboxRelay, "wait_published", countdown, "after"),
    "acknowledged": acknowledged,
    "begun": lambda countdown: around(ChannelRegistry, "send", countdown, "before"),
    "sent": lambda countdown: around(ChannelRegistry, "send", countdown, "after"),
    "ended": lambda countdown: around(ResultWriter, "write", countdown, "after"),
}


EVERYWHERE = ("handled", "committed", "published", "settled", "acknowledged", "begun", "sent", "ended")
OWN = {"carers": ("before-keeping", "kept", "read"), "console": ("act-written", "act-taken")}


def main() -> None:
    *at, service = sys.argv[1:]
    if len(at) == 1:
        for step in (*EVERYWHERE, *OWN.get(service, ())):
            STEPS[step](CountdownOnOrder(step, Path(at[0])))
    else:
        step, nth = at
        STEPS[step](Countdown(int(nth)))
    asyncio.run(importlib.import_module(f"services.{service}.app").main(fit_options()))


if __name__ == "__main__":
    main()
