"""Puts the parts of a rule into plain words, and renders the handbook's templates: documents, sentences and charts."""

from datetime import date, timedelta
from html import escape
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.protocol.policy.rule_language.grammar import Before, Calendar, Rule, Step, When, format_period
from services.safeguarding.meetings import AtOnce
from services.safeguarding.roles import Role

HERE = Path(__file__).parent
TEMPLATES = Environment(  # noqa: S701 our own words; the chart's template escapes each text
    loader=FileSystemLoader([HERE, HERE / "documents", HERE / "charts"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(name: str, **shown: object) -> str:
    """The same bytes for the same content."""
    return TEMPLATES.get_template(f"{name}.jinja").render(**shown)


def _story(name: str) -> str:
    return f"[{Path(name).stem}](../tests/scenarios/{name})"


def _test(name: str) -> str:
    path, _, function = name.partition("::")
    return f"[{function.removeprefix('test_').replace('_', ' ')}](../{path})"


TEMPLATES.filters |= {"e": escape, "g": lambda number: f"{number:g}", "story": _story, "test": _test}


AMONG: dict[str, dict[str, str]] = yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CSafeLoader)
OF_A_CHILD = "child."
INITIALS = {"uasc", "nrm"}


def who(role: Role, among: str | None = None) -> str:
    """`duty worker`, `child's social worker`, `the police who were told`."""
    if role == Role.EVERYONE_TOLD:
        return AMONG["people"].get(among or "", "everybody who was told")
    if role == Role.CARER_REPORTING:
        return AMONG["carers"].get(among or "", "carer who reported")
    if role == Role.CARERS_ALL:
        return "all carers of the child"
    words = role.removeprefix(OF_A_CHILD).replace(".", " ").replace("-", " ").replace("home office", "Home Office")
    return f"child's {words}" if role.startswith(OF_A_CHILD) else words


def words_of(name: str) -> str:
    """`child reported missing` for `child.reported-missing`."""
    words = name.replace(".", " ").replace("-", " ")
    return " ".join(word.upper() if word in INITIALS else word for word in words.split(" "))


def sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def calendar(length: Calendar) -> str:
    count, unit = (abs(length.months), "month") if length.months else (abs(length.days), "day")
    return f"{count} {unit}" + ("" if count == 1 else "s")


def start(rule: Rule) -> str:
    """When it begins, empty for at once: `24 hours after it happened`."""
    hours = {"any": "", "day": "by day", "working": "in working hours", "evening": "in the evening"}[rule.first_hours]
    then = f", {hours}" if hours else ""
    if rule.wait is not None:
        return f"{format_period(rule.wait)} later{then}"
    if rule.period is not None:
        again = "" if rule.every is None else f", and again every {format_period(rule.every)}"
        then = then if rule.latest is None else _by_day_and_in_time(rule.latest)
        return f"{format_period(rule.period)} after it happened{again}{then}"
    if rule.workdays is not None:
        return f"at nine on working day {rule.workdays} after it happened"
    if rule.before is not None:
        return _around(rule.before)
    return hours


def _by_day_and_in_time(latest: timedelta) -> str:
    later = f"in the next, {format_period(latest)} after it happened at the latest"
    return f", or in the last working hours before; if there are none, {later}, or else whoever is on duty is told then"


def _around(before: Before) -> str:
    day = words_of(before.date) if before.after is None else f"{calendar(before.after)} after {words_of(before.date)}"
    ahead = [calendar(each) for each in before.by if each.months > 0 or each.days > 0]
    later = [calendar(each) for each in before.by if each.months < 0 or each.days < 0]
    parts = [
        f"{', '.join(ahead)} before {day}" if ahead else "",
        f"on the day of {day}" if len(ahead) + len(later) < len(before.by) else "",
        f"{', '.join(later)} after {day}" if later else "",
    ]
    return " and ".join(filter(None, parts))


def days(since: date | None, to: date | None) -> str:
    """First and last day in force, `from 9 June 2025 to 1 March 2026`; empty where there are none."""
    first = "" if since is None else f"from {since:%-d %B %Y}"
    last = "" if to is None else f"to {to:%-d %B %Y}"
    return " ".join(filter(None, [first, last]))


def meets(rule: Rule) -> str:
    """When the discussion is to which it invites; empty for any other rule."""
    when = rule.meets
    if when is None:
        return ""
    if isinstance(when, AtOnce):
        held = f"by telephone, within {format_period(when.day)} in working hours and within {format_period(when.night)} at night"
    else:
        held = f"at {when.at:%H:%M} on working day {when.workday} after the urgent one, {when.latest} at the latest"
    off = f"; off if the child's episode is {' or '.join(when.unless)}" if when.unless else ""
    return f"{held}, for {format_period(when.lasts)}{off}"


def channel(rule: Rule) -> str:
    return "by the channel by which each was told" if rule.by is None else f"by {rule.by}"


def condition(rule: Rule) -> str:
    """Empty where the rule asks nothing."""
    parts = _each_condition(rule.when)
    return f"if {' and '.join(parts)} (unknown counts as {rule.unknown.removeprefix('counts-as-')})" if parts else ""


def _each_condition(when: When) -> list[str]:
    any_of = [" or ".join(each.words for each in when.any)] if when.any else []
    return [*any_of, *(each.words for each in when.all), *(f"not {each.words}" for each in when.none)]


def unless(step: Step) -> str:
    return "if their system has not taken it" if step.unless else "if nobody has answered"


def repeating(step: Step) -> str:
    return "" if step.repeat is None else f"again every {format_period(step.repeat)} until somebody answers"


def ends(rule: Rule) -> str:
    until = [str(each) for each in rule.until]
    rests = "" if rule.rests is None else f" lets it rest for {format_period(rule.rests)}"
    if rule.enough == "done":
        over = " or when its day is over" if rule.day == "ends" else ""
        asked = "" if rule.deed is None else ", and then they are asked again, and after them the next"
        return f"on {' or on '.join(until)}{over}; an answer{rests}{asked}"
    if rests:
        return f"{' or on '.join(['they answer or are rung', *until])}; an answer in their place{rests}"
    answered = "somebody answers" if rule.enough == "acknowledged" else "their system has taken it"
    return " or on ".join([answered, *until])
