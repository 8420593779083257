"""Templates: one for each page, whose `live` block is also the fragment that htmx refetches."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from penstock import __version__, arns
from penstock.console import pipeline_view, statuses, times

LIVE = "live"
STATIC = files("penstock.console") / "static"


def environment() -> Environment:
    """Return the templates' environment: everything is escaped, an unknown name is an error."""
    made = Environment(
        loader=PackageLoader("penstock.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        look=statuses.look,
        words=statuses.words,
        ago=times.ago,
        until=times.until,
        took=times.took,
        exact=times.exact,
        path=_path,
        short=pipeline_view.short,
        who=arns.who,
    )
    made.globals.update(
        version=__version__, assets=_assets_digest(), no_status=statuses.NOT_STARTED
    )
    return made


def page(templates: Environment, name: str, context: Mapping[str, Any]) -> str:
    """Return the whole page."""
    return templates.get_template(name).render(context)


def fragment(templates: Environment, name: str, context: Mapping[str, Any]) -> str:
    """Return the page's live part alone."""
    template = templates.get_template(name)
    return "".join(template.blocks[LIVE](template.new_context(dict(context))))


def _path(text: str) -> str:
    """Quote one segment of a path."""
    return quote(text, safe="")


def _assets_digest() -> str:
    """Return what changes in the address of style and scripts when one of them does."""
    digest = hashlib.sha256()
    for file in sorted(STATIC.iterdir(), key=lambda each: each.name):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
