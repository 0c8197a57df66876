"""Keeps the stack's programs running: starts them, restarts them, gives up after too many deaths, and stops them."""

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from infra.local.processes.child import Child
from infra.local.processes.leftovers import ProcessList
from infra.local.processes.program import Program

TICK_SECONDS = 0.05


class Supervisor(threading.Thread):
    """One thread that spawns everything: the kernel ties each child to it (see `launch`), so it outlives them all.

    The methods may be called from any thread; each returns when the supervisor has done it.
    """

    def __init__(self, processes: ProcessList, say: Callable[[str], None]) -> None:
        super().__init__(name="supervisor", daemon=True)
        self._processes = processes
        self._say = say
        self._children: dict[str, Child] = {}
        self._orders: queue.Queue[tuple[Callable[[], None], Future[None]]] = queue.Queue()
        self._finished = False

    def start_program(self, program: Program) -> None:
        """Starts it and keeps it running from now on. Nothing happens when it runs already."""
        self._do(lambda: self._start(program))

    def stop_programs(self, names: Iterable[str]) -> None:
        """Asks all of them to stop at once, waits for each one's patience, then kills. They stay stopped."""
        wanted = [self._children[name] for name in names if name in self._children]
        for child in wanted:
            self._do(child.ask_to_stop)
        for child in wanted:
            child.gone.wait(child.program.patience)
            self._do(child.kill)
        for child in wanted:
            child.gone.wait()

    def signal_one(self, name: str, number: signal.Signals) -> None:
        """Sends a signal as an outsider would: what follows is the supervisor's ordinary work."""
        self._do(lambda: self._children[name].send(number))

    def hold(self, name: str) -> None:
        """From now on its death is not mended, until `release`."""
        self._do(lambda: self._children[name].set_held(held=True))

    def release(self, name: str) -> None:
        """Mends its death again; if it is dead, starts it at once."""
        self._do(lambda: self._children[name].set_held(held=False))

    def is_running(self, name: str) -> bool:
        """True while its process exists, ready or not."""
        child = self._children.get(name)
        return child is not None and child.is_running

    def given_up(self) -> list[str]:
        """The names that died too often and were left; empty when all is well."""
        return [name for name, child in self._children.items() if child.given_up]

    def why_lost(self) -> str:
        """Which programs do not stay up, with the end of each one's log; empty while none was given up."""
        lost = [self.program(name) for name in self.given_up()]
        return "\n".join(f"{each.name} does not stay up. The end of {each.log}:\n{each.last_words()}" for each in lost)

    def pid(self, name: str) -> int | None:
        """None while it is down."""
        child = self._children.get(name)
        return None if child is None else child.pid

    def program(self, name: str) -> Program:
        """Raises KeyError for a name that was never started."""
        return self._children[name].program

    def finish(self) -> None:
        """Ends the thread. Whatever still runs is ended by the kernel, so stop the programs first."""
        self._do(self._mark_finished)
        self.join()

    def run(self) -> None:
        """The thread's life: orders first, then the dead are mended."""
        while not self._finished:
            try:
                order, done = self._orders.get(timeout=TICK_SECONDS)
            except queue.Empty:
                pass
            else:
                _carry_out(order, done)
            changed = [child.look_after(time.monotonic()) for child in self._children.values()]
            if any(changed):
                try:
                    self._remember()
                except OSError as problem:  # as on a full disk: the kernel would end all programs with this thread
                    self._say(f"the list of processes cannot be written ({problem})")

    def _do(self, order: Callable[[], None]) -> None:
        done: Future[None] = Future()
        self._orders.put((order, done))
        done.result()

    def _start(self, program: Program) -> None:
        child = self._children.get(program.name)
        if child is not None and child.is_running:
            return
        self._children[program.name] = Child(program, self._say)
        self._children[program.name].start()
        self._remember()

    def _remember(self) -> None:
        running = ((name, child.pid) for name, child in self._children.items())
        self._processes.write({name: pid for name, pid in running if pid is not None})

    def _mark_finished(self) -> None:
        self._finished = True


def _carry_out(order: Callable[[], None], done: Future[None]) -> None:
    try:
        order()
    except Exception as problem:  # noqa: BLE001 - the caller's thread gets it, the supervisor goes on
        done.set_exception(problem)
    else:
        done.set_result(None)
