"""Runs one service as this process, and loads nothing of the others, nor of the command line."""

import asyncio
import gc
import importlib
import os

import uvloop

from services.platform.option import Option
from services.platform.store.encryption import WRAPPERS

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")
OPTIONS = {
    "exercise-reports": "services.options.exercise_reports",
    "fallback-pack": "services.options.fallback_pack",
    "handbook": "services.handbook",
    "holdings": "services.holdings",
    "holds-and-erasure": "services.options.holds_and_erasure",
    "key-wrappers": "services.options.key_wrappers",
    "law-watch": "services.options.law_watch",
    "own-accounts": "services.options.own_accounts",
    "polled-forces": "services.options.polled_forces",
    "provider-sign-in": "services.options.provider_sign_in",
    "register-upkeep": "services.options.register_upkeep",
    "returns": "services.options.returns",
    "second-text-way": "services.options.second_text_way",
    "set-up": "services.options.set_up",
    "shift-exchange": "services.options.shift_exchange",
    "stand-in": "services.options.stand_in",
}
"""By name, the folder whose `option.py` says what it adds."""


def run_service(service: str) -> None:
    """Returns when the service has been told to stop. `service` is one of SERVICES."""
    gc.disable()  # What is imported stays: looking through it for garbage again and again took a quarter of the start.
    options = fit_options()
    main = importlib.import_module(f"services.{service}.app").main
    gc.freeze()
    gc.enable()
    # The same loop in C saves a fifth of a busy service's time, by the policy also in the thread in which Faust reads.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(options))


def fit_options() -> list[Option]:
    """Those that SAFE_RETURN_OPTIONS names, with blanks between, or `none`: all, if it is empty or not set."""
    said = os.environ.get("SAFE_RETURN_OPTIONS", "").split()
    named = [] if said == ["none"] else said or list(OPTIONS)
    if unknown := sorted(set(named) - set(OPTIONS)):
        raise SystemExit(f"SAFE_RETURN_OPTIONS: {', '.join(unknown)}: there are {', '.join(OPTIONS)}")
    options: list[Option] = [importlib.import_module(f"{OPTIONS[name]}.option").OPTION for name in named]
    WRAPPERS.clear()
    for each in options:
        WRAPPERS.update(each.wrappers)
    return options
