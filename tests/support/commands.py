"""Runs `python -m services ...` as somebody at a shell would."""

import asyncio
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def services(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Whatever it ends with."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
