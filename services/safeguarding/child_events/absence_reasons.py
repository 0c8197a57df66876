"""Codes what children go missing from and to, so that it can be counted. What a child said is in words."""

from enum import StrEnum


class PushFactor(StrEnum):
    """What a child goes missing from."""

    CONFLICT_AT_HOME = "conflict-at-home"
    UNHAPPY_WHERE_PLACED = "unhappy-where-placed"
    AFRAID = "afraid"
    BULLIED = "bullied"
    LONELY = "lonely"
    NOT_HEARD = "not-heard"
    WORRIED_ABOUT_FUTURE = "worried-about-future"
    OTHER = "other"


class PullFactor(StrEnum):
    """What a child goes missing to."""

    FAMILY = "family"
    FRIENDS = "friends"
    PARTNER = "partner"
    WORK_OR_MONEY = "work-or-money"
    DRUGS_OR_ALCOHOL = "drugs-or-alcohol"
    EXPLOITATION = "exploitation"
    TRAVEL_ONWARD = "travel-onward"
    OTHER = "other"
