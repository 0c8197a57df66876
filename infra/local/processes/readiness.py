"""Asks every program whether it is ready, all at once, until all of them are."""

import functools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx

EVERY_SECONDS = 0.1
SAID_EVERY_SECONDS = 20


class NotReady(Exception):
    """Names what was not ready in time, each with its last answer."""


def obstacles(urls: Mapping[str, str], *, replicas: int = 1) -> dict[str, str]:
    """What is not ready now, and what it said; empty when everything is. Takes at most a few seconds."""
    # Replicas share a port and each connection reaches one of them: several must agree.
    times = 1 if replicas == 1 else 6 * replicas
    with ThreadPoolExecutor(len(urls)) as askers:
        answers = askers.map(lambda url: _obstacle(url, times), urls.values())
        return {name: answer for name, answer in zip(urls, answers, strict=True) if answer is not None}


def wait(
    urls: Mapping[str, str],
    replicas: int,
    within_seconds: float,
    *,
    stopping: threading.Event,
    lost: Callable[[], str],
    say: Callable[[str], None] = lambda _line: None,
) -> None:
    """Returns when all answer 200. `lost` says why to stop hoping, or nothing. Raises NotReady.

    `say` is told what is waited for, as long as it lasts: a slow machine needs minutes.
    """
    until, said_at = time.monotonic() + within_seconds, time.monotonic()
    waiting = urls
    # Whoever was ready is asked again only once all were: answers cost processor that those still starting need.
    while missing := obstacles(waiting, replicas=replicas) or obstacles(urls, replicas=replicas):
        waiting = {name: urls[name] for name in missing}
        if reason := lost():
            raise NotReady(reason)
        if time.monotonic() - said_at > SAID_EVERY_SECONDS:
            said_at = time.monotonic()
            say(f"still waiting for {', '.join(missing)}")
        if time.monotonic() > until:
            raise NotReady("\n".join(f"{name} is not ready: {answer}" for name, answer in missing.items()))
        if stopping.wait(EVERY_SECONDS):
            raise NotReady("told to stop before everything was ready")


def _obstacle(url: str, times: int) -> str | None:
    for _ in range(times):
        try:
            answer = _client().get(url)
        except httpx.HTTPError as problem:
            return f"no answer ({type(problem).__name__})"
        if not answer.is_success:
            return answer.text[:300]
    return None


@functools.cache
def _client() -> httpx.Client:
    """One for all: to make one costs more than ten answers. Each question has a connection of its own (`obstacles`)."""
    return httpx.Client(timeout=5, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
