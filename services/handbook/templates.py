"""Renders the handbook's templates: documents, sentences and charts."""

from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

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
