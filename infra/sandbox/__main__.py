"""Runs the outside world until SIGTERM or Ctrl-C, which end it cleanly, with exit code 0."""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from infra.sandbox.config import SandboxConfig, read_config
from infra.sandbox.outside_world import open_world
from infra.sandbox.server import serve


async def play(config: SandboxConfig) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError where the SMTP port is in use."""
    async with open_world(config) as world:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, world.closing.set)
        await serve(world)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.sandbox", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON: phones, desks, ports and secrets")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(play(read_config(parser.parse_args().config)))


if __name__ == "__main__":
    main()
