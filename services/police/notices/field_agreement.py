"""Redacts a notice to the fields that its authority has agreed to send the force. Pure."""

from collections.abc import Set as AbstractSet
from typing import Any

from services.police.notices.schema import UNKNOWN, Notice
from services.safeguarding.notice_fields import NoticeField


def redact_to_agreement(notice: Notice, agreed: AbstractSet[str]) -> str:
    """The body, as JSON. Every force gets the frame, the risk and the call-back."""
    left_out = tuple(sorted(each for each in NoticeField if each not in agreed))
    if not left_out:
        return notice.model_dump_json()
    data = notice.data
    details = data.details
    if details is not None:
        holds = tuple(each for each in details.holds if each not in left_out)
        details = details.model_copy(update={"holds": holds}) if holds else None
    gaps = tuple(each for each in data.gaps if not {each, each.partition(".")[0]} & {*left_out})
    needed = UNKNOWN if "child.language" in left_out else data.interpreter_needed
    said = {"details": details, "gaps": gaps, "not_agreed": left_out, "interpreter_needed": needed}
    kept = data.model_copy(update=said)
    return notice.model_copy(update={"data": kept}).model_dump_json(exclude={"data": _excluded(left_out)})


def disclosed_fields(fields: tuple[str, ...], agreed: AbstractSet[str]) -> tuple[str, ...]:
    """Those of `fields`, which were read from the register, that the force is told."""
    return tuple(each for each in fields if each in agreed or (each == "words" and "said" in agreed))


def _excluded(left_out: tuple[str, ...]) -> dict[str, Any]:
    excluded: dict[str, Any] = {}
    for field in left_out:
        part, _, name = field.partition(".")
        if part == "photograph":
            continue
        if field == "placement.address":
            excluded.setdefault(part, {})["address_as_of"] = True
        if name:
            excluded.setdefault(part, {})[name] = True
        else:
            excluded[part] = True
    if "child" in excluded and excluded.get("candidates") is not True:
        excluded["candidates"] = {"__all__": excluded["child"]}
    return excluded
