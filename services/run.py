"""Runs one service as this process, and loads nothing of the others, nor of the command line."""

import asyncio
import gc
import importlib
from functools import partial

import uvloop

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")


def run_service(service: str) -> None:
    """Returns when the service has been told to stop. `service` is one of SERVICES."""
    gc.disable()  # What is imported stays: looking through it for garbage again and again took a quarter of the start.
    main = importlib.import_module(f"services.{service}.app").main
    if service == "console":
        from services.handbook.web import mount
        from services.holdings import subject_access as holdings

        main = partial(main, [mount, holdings.mount])
    gc.freeze()
    gc.enable()
    # The same loop in C saves a fifth of a busy service's time, by the policy also in the thread in which Faust reads.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main())
