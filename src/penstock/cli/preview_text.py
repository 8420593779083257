"""A template's preview as text, 80 columns wide: the look of a change set under review."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from penstock.cli.change_preview import Preview
from penstock.cli.layout import below
from penstock.cli.review_text import change_set_rows, digest_row
from penstock.pipelines.review import ReviewedChangeSet
from penstock.pipelines.review_words import resource_words


def preview_text(preview: Preview, *, full: bool = False) -> Group:
    """Return all that a template would change; `full` lists every property of what is added."""
    return Group(*_rows(preview, full=full))


def _rows(preview: Preview, *, full: bool) -> Iterator[RenderableType]:
    change_set = preview.change_set
    if change_set.empty:
        yield below(f"{preview.source} changes nothing in {change_set.stack_name}.", 0, "bold")
        yield from _notes(preview)
        return
    subject = f"{preview.source} would {_verb(change_set)}"
    yield from change_set_rows(change_set, full=full, subject=subject)
    for each in preview.nested:
        yield Text()
        subject = f"Inside, it would {_verb(each)}"
        yield from change_set_rows(each, full=full, subject=subject)
    yield from _notes(preview)
    yield Text()
    yield from _warned(preview)
    if preview.kept:
        yield from _kept(change_set)
    else:
        yield Text("A preview: nothing was changed.", "dim")


def _verb(change_set: ReviewedChangeSet) -> str:
    return "create" if change_set.kind == "CREATE" else "update"


def _notes(preview: Preview) -> Iterator[RenderableType]:
    for note in preview.notes:
        yield Text()
        yield below(f"Note: {note}", 0, "yellow")


def _warned(preview: Preview) -> Iterator[RenderableType]:
    """Yield the names that a WARNING stands at: it may have left the screen."""
    names = [
        words.logical_id
        for each in preview.change_sets
        for words in resource_words(each.changes)
        if words.warning
    ]
    if names:
        yield below(f"WARNING, see above: {', '.join(names)}", 0, "bold red")


def _kept(change_set: ReviewedChangeSet) -> Iterator[RenderableType]:
    yield below("Nothing was changed. The change set is kept; to execute it:", 0)
    yield below(f"aws cloudformation execute-change-set --change-set-name {change_set.arn}", 2)
    if change_set.digest:
        yield digest_row(change_set.digest)
