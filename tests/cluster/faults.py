"""What a cluster has to bear. Each fault is done to a running one, by chance from a seed, and mended by whatever mends it."""

import random
import shutil
import signal
import time
from collections.abc import Callable

from infra.local.engines.database_pair import Pair, kill
from infra.local.settings.layout import BROKERS, DATABASES
from infra.local.stack import Stack

LOST_SECONDS = 8.0
"""Longer than it takes until the others have found it gone."""
MENDED_WITHIN_SECONDS = 180
WHOLE = ["controller", "follower", "follower", "primary", "sync_standby"]
Fault = Callable[[Stack, random.Random], None]


def kill_a_process(stack: Stack, chance: random.Random) -> None:
    stack.kill(chance.choice(stack.process_names))


def freeze_a_process(stack: Stack, chance: random.Random) -> None:
    _freeze(stack, chance.choice(stack.process_names))


def lose_the_leading_broker(stack: Stack, _: random.Random) -> None:
    _lose(stack, [_who_is(stack, "controller")])


def freeze_the_leading_broker(stack: Stack, _: random.Random) -> None:
    _freeze(stack, _who_is(stack, "controller"))


def lose_two_brokers(stack: Stack, chance: random.Random) -> None:
    """Nothing can be published meanwhile. What is said waits in the outboxes."""
    _lose(stack, chance.sample(("kafka", "kafka-2", "kafka-3"), 2))


def lose_a_brokers_disk(stack: Stack, chance: random.Random) -> None:
    name = chance.choice(("kafka", "kafka-2", "kafka-3"))
    _lose(stack, [name], lambda: shutil.rmtree(stack.layout.kafka(name) / "log"))


def lose_the_primary_with_its_disk(stack: Stack, _: random.Random) -> None:
    _lose_database(stack, _who_is(stack, "primary"), disk=True)


def lose_the_standby(stack: Stack, _: random.Random) -> None:
    _lose_database(stack, _who_is(stack, "sync_standby"), disk=False)


def restart_everything_in_turn(stack: Stack, _: random.Random) -> None:
    """As an upgrade does: each is told to stop, started again, and waited for."""
    for name in (*stack.process_names, *BROKERS, *DATABASES):
        stack.stop_one(name)
        stack.start_one(name)
        wait_until_whole(stack)


FAULTS: dict[str, Fault] = {
    each.__name__.replace("_", "-"): each
    for each in (
        kill_a_process,
        freeze_a_process,
        lose_the_leading_broker,
        freeze_the_leading_broker,
        lose_two_brokers,
        lose_a_brokers_disk,
        lose_the_primary_with_its_disk,
        lose_the_standby,
        restart_everything_in_turn,
    )
}


def wait_until_whole(stack: Stack) -> None:
    """Every broker and both databases have their parts again, and every process is ready."""
    until = time.monotonic() + MENDED_WITHIN_SECONDS
    while sorted(stack.roles().values()) != WHOLE:
        assert time.monotonic() < until, stack.roles()
        time.sleep(0.5)
    stack.wait_ready(MENDED_WITHIN_SECONDS)


def _who_is(stack: Stack, role: str) -> str:
    return next(name for name, has in stack.roles().items() if has == role)


def _freeze(stack: Stack, name: str) -> None:
    stack.kill(name, signal.SIGSTOP)
    time.sleep(LOST_SECONDS)
    stack.kill(name, signal.SIGCONT)


def _lose(stack: Stack, names: list[str], meanwhile: Callable[[], None] = lambda: None) -> None:
    for name in names:
        stack.hold(name)
        stack.kill(name)
    time.sleep(LOST_SECONDS)
    meanwhile()
    for name in names:
        stack.release(name)


def _lose_database(stack: Stack, name: str, *, disk: bool) -> None:
    """The machine: Patroni and PostgreSQL at once."""
    pair = stack.pair
    assert isinstance(pair, Pair)
    postmaster = pair.postmaster(name)
    stack.hold(name)
    stack.kill(name)
    if postmaster is not None:
        kill(postmaster)
    if disk:
        shutil.rmtree(pair.data(name))
    time.sleep(LOST_SECONDS)
    stack.release(name)
