"""Adds the pack to the console, and `fallback` to the command line."""

from typing import TYPE_CHECKING, Any

from services.platform.option import Option

if TYPE_CHECKING:
    from services.console.settings import ConsoleSettings
    from services.platform.bus.service_host import ServiceHost


def _write_packs(host: "ServiceHost", settings: "ConsoleSettings") -> None:
    """None where no plan is named. A plan that cannot be used ends the process and says why."""
    from services.options.fallback_pack.pack import PackPage, PackWriter, PlanFault, read_plans
    from services.platform.runtime.places import signer

    if settings.fallback_plan is None or settings.pack_key is None:
        return
    try:
        plans = read_plans(settings.fallback_plan)
    except PlanFault as fault:
        raise SystemExit(str(fault)) from None
    page = PackPage(host.store, host.clocks, settings.keyring)
    host.parts.append(PackWriter(page, plans, signer(settings.pack_key.get_secret_value())))


def _commands() -> dict[str, Any]:
    from services.options.fallback_pack.commands import fallback

    return {"fallback": fallback}


OPTION = Option("fallback-pack", parts={"console": _write_packs}, commands=_commands)
