"""Renders the Markdown templates of this folder."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Environment(  # noqa: S701 Markdown, of our own words
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(name: str, **shown: object) -> str:
    """The same bytes for the same content."""
    return TEMPLATES.get_template(f"{name}.md.jinja").render(**shown)


def _story(name: str) -> str:
    return f"[{Path(name).stem}](../tests/scenarios/{name})"


def _test(name: str) -> str:
    path, _, function = name.partition("::")
    return f"[{function.removeprefix('test_').replace('_', ' ')}](../{path})"


TEMPLATES.filters |= {"story": _story, "test": _test}
