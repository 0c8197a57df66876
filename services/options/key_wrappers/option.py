"""Adds what the settings `key_wrapper: hsm` and `key_wrapper: kms` name."""

from typing import TYPE_CHECKING

from services.platform.option import Option

if TYPE_CHECKING:
    from services.platform.store.encryption import KeyringSettings, KeyWrapper


def _hsm(settings: "KeyringSettings") -> "list[KeyWrapper]":
    from services.options.key_wrappers.hsm import HsmWrapper

    module, token, pin = settings.hsm_module, settings.hsm_token, settings.hsm_pin.get_secret_value()
    return [HsmWrapper(module, token, pin, label) for label in settings.key_name.split()]


def _kms(settings: "KeyringSettings") -> "list[KeyWrapper]":
    from services.options.key_wrappers.cloud import KmsWrapper

    return [KmsWrapper(name) for name in settings.key_name.split()]


OPTION = Option("key-wrappers", wrappers={"hsm": _hsm, "kms": _kms})
