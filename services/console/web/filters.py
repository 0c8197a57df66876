"""Formats times, durations and values for a page."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.console.policy.acts import correcting_act
from services.console.policy.child import leave_out_repeats
from services.console.web.wording import Words
from services.platform.register.directory import format_number
from services.safeguarding.identifiers import case_name, code_of, in_words
from services.safeguarding.operators import OperatorAct
from services.safeguarding.roles import Deed
from services.safeguarding.working_time import in_england
from services.wording import day_and_time

PAGES = Path(__file__).parents[1] / "pages"


def environment(words: Words, folders: Sequence[Path] = (PAGES,)) -> Environment:
    environment_ = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment_.filters |= {
        "as": words.of,
        "sentence": words.sentence,
        "moment": moment,
        "day": day_and_time,
        "stamp": stamp,
        "span": format_span,
        "code": code_of,
        "case": lambda episode, code=None: case_name(code, episode),
        "org": in_words,
        "form": words.form,
        "police": words.police,
        "clock": clock,
        "field": words.field,
        "is_act": lambda name: name in {*OperatorAct, *Deed},
        "correcting": lambda line: correcting_act(line.entry),
        "age": age_on,
        "telephone": format_number,
        "unrepeated": leave_out_repeats,
        "extract": lambda key, of: of[key],
        "ucfirst": lambda text: text[:1].upper() + text[1:],
    }
    return environment_


def moment(at: datetime, now: datetime) -> str:
    """The time, with its date unless that is the date of `now`. Local time."""
    local = in_england(at)
    same_day = local.date() == in_england(now).date()
    return local.strftime("%H:%M:%S" if same_day else "%-d %b %H:%M:%S")


def clock(at: datetime | None, now: datetime) -> str:
    """The time of day, with its date unless that is the date of `now`. Local time."""
    if at is None:
        return ""
    local = in_england(at)
    return f"{local:%H:%M}" if local.date() == in_england(now).date() else f"{local:%-d %b %H:%M}"


def age_on(born: date, now: datetime) -> str:
    """In years, such as "15 years"."""
    today = in_england(now).date()
    return f"{today.year - born.year - ((today.month, today.day) < (born.month, born.day))} years"


def stamp(at: datetime) -> str:
    """For scripts: the countdowns read it. UTC."""
    return at.astimezone(UTC).isoformat()


def format_span(span: timedelta) -> str:
    """Such as "2 h 14 min", or "45 s" below a minute; never negative. `static/live.js` uses the same form."""
    whole = max(0, int(span.total_seconds()))
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {whole % 60} s" if minutes < 10 else f"{minutes} min"
    return f"{whole} s"
