"""Adds sign-in by the providers that the console's settings name."""

from typing import TYPE_CHECKING

from services.platform.option import Option

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.console.settings import ConsoleSettings
    from services.console.web.session import SessionGuard
    from services.console.web.templates import Templates


def _mount(app: "FastAPI", guard: "SessionGuard", templates: "Templates", settings: "ConsoleSettings") -> None:
    """Without a provider, what speaks OpenID Connect is not loaded."""
    if settings.providers is None:
        return
    from services.options.provider_sign_in.pages import OpenId, ProviderPages

    openid = OpenId(settings.providers)
    templates.providers.update(openid.titles)
    ProviderPages(guard, templates, openid).mount(app)


OPTION = Option("provider-sign-in", pages={"console": _mount})
