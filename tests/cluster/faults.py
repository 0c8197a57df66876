"""What a cluster has to bear. Each fault is done to a running one, by chance from a seed, and mended by whatever mends it."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType

import psutil
import pytest

from infra.local.engines.database_pair import WITNESS, Pair, kill, with_children
from infra.local.settings.layout import BROKERS, DATABASES
from infra.local.stack import Stack
from tests.cluster import network
from tests.support import versions

LOST_SECONDS = 8.0
"""Longer than it takes until the others have found it gone."""
NOTICED_SECONDS = 3.0
"""A broker counts as there for so long after its death."""
NOTHING = "0"
CUT_OFF_SECONDS = 30.0
"""Longer than Patroni gives a primary that answers nobody."""
WRONG_CLOCK_SECONDS = 20.0
MENDED_WITHIN_SECONDS = 540
CLOCK_JUMP_SECONDS = 600
"""More than the five minutes for which a signature holds, and than any lease."""
FAKE_TIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
WHOLE = ["controller", "follower", "follower", "primary", "sync_standby"]
Fault = Callable[[Stack, random.Random], None]


def kill_each_process_in_turn(stack: Stack, _: random.Random) -> None:
    """PostgreSQL outlives its Patroni, and is found again by the next."""
    for name in _everything(stack):
        stack.kill(name)
        time.sleep(NOTICED_SECONDS)
        wait_until_whole(stack)


def freeze_each_process_in_turn(stack: Stack, _: random.Random) -> None:
    for name in _everything(stack):
        _freeze(stack, name)
        wait_until_whole(stack)


def lose_the_leading_broker(stack: Stack, _: random.Random) -> None:
    _lose(stack, [_who_is(stack, "controller")])


def freeze_the_leading_broker(stack: Stack, _: random.Random) -> None:
    _freeze(stack, _who_is(stack, "controller"))


def freeze_the_primary(stack: Stack, _: random.Random) -> None:
    """The machine, Patroni and PostgreSQL: it wakes up as the primary that it no longer is."""
    name = _who_is(stack, "primary")
    machine = [each for pid in _database_pids(stack, name) for each in with_children(pid)]
    for each in machine:
        each.suspend()
    time.sleep(CUT_OFF_SECONDS)
    for each in machine:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.resume()


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


def cut_the_leading_broker_off(stack: Stack, _: random.Random) -> None:
    _cut(network.cut_off(_machine(stack, _who_is(stack, "controller"))))


def cut_the_primary_off(stack: Stack, _: random.Random) -> None:
    """It lives on, and is not the primary any more when it is back."""
    _cut(network.cut_off(_machine(stack, _who_is(stack, "primary"))))


def cut_two_apart(stack: Stack, chance: random.Random) -> None:
    """An engine and anything else, while both reach everybody else."""
    one = chance.choice((*BROKERS, *DATABASES))
    other = chance.choice([each for each in _everything(stack) if each != one])
    print(f"between {one} ({stack.roles()[one]}) and {other}")
    _cut(network.cut_apart(_machine(stack, one), _machine(stack, other)))


def fill_a_brokers_disk(stack: Stack, chance: random.Random) -> None:
    """Every write to a file fails, as where no space is left. The broker ends by itself."""
    name = chance.choice(("kafka", "kafka-2", "kafka-3"))
    stack.hold(name)
    _let_write(_pid(stack, name), NOTHING)
    time.sleep(LOST_SECONDS)
    stack.kill(name)
    stack.release(name)


def fill_the_primarys_disk(stack: Stack, _: random.Random) -> None:
    name = _who_is(stack, "primary")
    server = psutil.Process(_postmaster(stack, name))
    for each in with_children(server.pid):
        _let_write(each.pid, NOTHING)
    time.sleep(LOST_SECONDS)
    if server.is_running():
        for each in with_children(server.pid):
            _let_write(each.pid, "unlimited")


def put_a_clock_forward(stack: Stack, chance: random.Random) -> None:
    """One machine's clock is ten minutes ahead of all others', and is right again after a while."""
    _with_clock(stack, chance.choice(stack.process_names), CLOCK_JUMP_SECONDS)


def put_a_clock_back(stack: Stack, chance: random.Random) -> None:
    _with_clock(stack, chance.choice(stack.process_names), -CLOCK_JUMP_SECONDS)


def restart_everything_in_turn(stack: Stack, _: random.Random) -> None:
    _restart_in_turn(stack, _everything(stack))


def upgrade_each_process_in_turn(stack: Stack, _: random.Random) -> None:
    """Back to the version before, which lives beside this one meanwhile, and forward again."""
    with tempfile.TemporaryDirectory() as folder:
        versions.unpack(versions.released(), Path(folder))
        _restart_in_turn(stack, stack.process_names, {"PYTHONPATH": folder, "PYTHONSAFEPATH": "1"})
        assert any(Path(folder).rglob("*.pyc")), "nothing of the version before has run"
        _restart_in_turn(stack, stack.process_names)


FAULTS: dict[str, Fault] = {
    each.__name__.replace("_", "-"): each
    for each in (
        kill_each_process_in_turn,
        freeze_each_process_in_turn,
        lose_the_leading_broker,
        freeze_the_leading_broker,
        freeze_the_primary,
        lose_two_brokers,
        lose_a_brokers_disk,
        lose_the_primary_with_its_disk,
        lose_the_standby,
        cut_the_leading_broker_off,
        cut_the_primary_off,
        cut_two_apart,
        fill_a_brokers_disk,
        fill_the_primarys_disk,
        put_a_clock_forward,
        put_a_clock_back,
        restart_everything_in_turn,
        upgrade_each_process_in_turn,
    )
}


def wait_until_whole(stack: Stack) -> None:
    """Every broker and both databases have their parts again, every process takes requests, and every service is ready."""
    until = time.monotonic() + MENDED_WITHIN_SECONDS
    while sorted(stack.roles().values()) != WHOLE or not all(_listens(stack, each) for each in stack.process_names):
        assert time.monotonic() < until, stack.roles()
        time.sleep(0.5)
    stack.wait_ready(MENDED_WITHIN_SECONDS)


def _listens(stack: Stack, name: str) -> bool:
    """Of two processes of a service, one answers for both."""
    port = next(stack.ports[each] for each in stack.services if name in {each, f"{each}-1"})
    with contextlib.suppress(psutil.NoSuchProcess):
        connections = psutil.Process(stack.pid(name) or 0).net_connections("tcp")
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)
    return False


def _who_is(stack: Stack, role: str) -> str:
    return next(name for name, has in stack.roles().items() if has == role)


def _pid(stack: Stack, name: str) -> int:
    pid = stack.pid(name)
    assert pid is not None, f"{name} does not run"
    return pid


def _postmaster(stack: Stack, name: str) -> int:
    assert isinstance(stack.pair, Pair)
    pid = stack.pair.postmaster(name)
    assert pid is not None, f"{name} has no PostgreSQL"
    return pid


def _everything(stack: Stack) -> tuple[str, ...]:
    return (*stack.process_names, *BROKERS, *DATABASES, WITNESS)


def _restart_in_turn(stack: Stack, names: Iterable[str], environment: Mapping[str, str] = MappingProxyType({})) -> None:
    """Each is told to stop, started again, and waited for."""
    for name in names:
        stack.stop_one(name)
        stack.start_one(name, environment)
        wait_until_whole(stack)


def _database_pids(stack: Stack, name: str) -> list[int]:
    return [_pid(stack, name), _postmaster(stack, name)]


def _machine(stack: Stack, name: str) -> network.Machine:
    """A service listens for the outside world alone."""
    pids = _database_pids(stack, name) if name in DATABASES else [_pid(stack, name)]
    listening = (name, f"{name}-controller", f"{name}-api", f"{name}-raft") if name not in stack.process_names else ()
    return network.Machine(pids, [stack.ports[each] for each in listening if each in stack.ports])


def _cut(cut: AbstractContextManager[None]) -> None:
    if reason := network.why_not():
        pytest.skip(reason)
    with cut:
        time.sleep(CUT_OFF_SECONDS)


def _let_write(pid: int, size: str) -> None:
    """Bytes that it may write to one file: none is a full disk, but for the error's name. Said as whom it runs as: root may not."""
    with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL's come and go
        process = psutil.Process(pid)
        whose = [f"--reuid={process.uids().real}", f"--regid={process.gids().real}", "--clear-groups"]
        as_whom = ["setpriv", *whose] if os.geteuid() == 0 else []
        done = subprocess.run([*as_whom, "prlimit", f"--pid={pid}", f"--fsize={size}:"], check=False)
        assert done.returncode == 0 or not psutil.pid_exists(pid), f"{pid} may still write"


def _with_clock(stack: Stack, name: str, ahead_seconds: int) -> None:
    if not FAKE_TIME.exists():
        pytest.skip("putting a clock forward needs libfaketime")
    faked = {"LD_PRELOAD": str(FAKE_TIME), "FAKETIME": f"{ahead_seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    stack.stop_one(name)
    stack.start_one(name, faked)
    time.sleep(WRONG_CLOCK_SECONDS)
    stack.stop_one(name)
    stack.start_one(name)


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
