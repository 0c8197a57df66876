"""Plays the outside world until it is told to stop: SIGTERM or Ctrl-C ends it cleanly, with exit code 0."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from infra.sandbox.app import build_app
from infra.sandbox.config import SandboxConfig, read_config
from infra.sandbox.outside_world import open_world


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would raise SIGTERM again once it has stopped, and the exit code would be 143."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def play(config: SandboxConfig) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError where the SMTP port is in use."""
    async with open_world(config) as world:
        server = _Server(
            uvicorn.Config(
                build_app(world),
                host="127.0.0.1",
                port=config.http_port,
                access_log=False,
                log_level="warning",
                lifespan="off",
                http="httptools",
                ws="none",
                backlog=4096,
                timeout_graceful_shutdown=1,
            )
        )

        def stop() -> None:
            world.closing.set()
            server.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        await server.serve()


def main() -> None:
    """Read the command line and play."""
    parser = argparse.ArgumentParser(prog="python -m infra.sandbox", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON: phones, desks, ports and secrets")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(play(read_config(parser.parse_args().config)))


if __name__ == "__main__":
    main()
