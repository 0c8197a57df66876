"""Fails any test in which a service says what the others would refuse: it is not listed for it."""

from typing import Any

from services.platform.messages.envelope import kind_of
from services.platform.messages.signature import MAY_SAY
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.message import Message


def _require_listed(uow: UnitOfWork, kind: str) -> None:
    service = uow._known_origin().service
    assert kind in MAY_SAY[service], f"{service} says {kind}, which said.yaml does not list for it"


def _watch() -> None:
    publish, sign = UnitOfWork.publish, UnitOfWork.sign

    def listed_publish(uow: UnitOfWork, *events: Message | None, **how: Any) -> None:
        for event in filter(None, events):
            _require_listed(uow, event.kind)
        publish(uow, *events, **how)

    def listed_sign(uow: UnitOfWork, envelope: bytes) -> bytes:
        _require_listed(uow, kind_of(envelope))
        return sign(uow, envelope)

    UnitOfWork.publish, UnitOfWork.sign = listed_publish, listed_sign  # type: ignore[method-assign]


_watch()
