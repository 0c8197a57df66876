"""Adds GOV.UK Notify to the ways of whichever service has a key for it."""

from typing import TYPE_CHECKING

from services.platform.option import Option

if TYPE_CHECKING:
    from services.platform.delivery.channels.channel import TextWay
    from services.platform.delivery.settings.sms import TextSettings


def _ways(settings: "TextSettings") -> "list[TextWay]":
    key = settings.notify_api_key.get_secret_value()
    if not key:
        return []
    from services.options.second_text_way.notify import NotifyWay

    template, number, url = settings.notify_template, settings.notify_number, settings.notify_base_url
    return [NotifyWay(api_key=key, template=template, number=number, base_url=url)]


OPTION = Option("second-text-way", ways=_ways)
