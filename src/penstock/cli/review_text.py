"""An approval and a change set as text, 80 columns wide.

Values are whole: a line that is too long goes on below its own beginning. What others wrote
(commits, comments, values) cannot move the cursor or colour the terminal.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from penstock.cli.layout import WIDTH, below, short_commits
from penstock.cli.times import ago
from penstock.pipelines.review import FIRST_RELEASE, Review, ReviewedChangeSet, SourceChange
from penstock.pipelines.review_words import (
    PropertyWords,
    ResourceWords,
    changed_parameters,
    legible,
    resource_words,
    summary,
)

_ADDED_SHOWN = 6
_SIGNS = {"Add": ("+", "green"), "Modify": ("~", "yellow"), "Remove": ("-", "red")}
_REPLACED = ("±", "red")
_UNUSABLE = {"FAILED", "OBSOLETE", "EXECUTE_FAILED"}
_STATUS_COLOURS = {"Approved": "green", "Rejected": "red", "Waiting": "yellow"}


def approval_text(
    approval: Mapping[str, Any], review: Review, now: datetime, *, full: bool = False
) -> Group:
    """Return the approval (of `/_penstock/approvals/…`) and all that it shows."""
    rows = [*_heading(approval, now), *_review(review, now, full=full)]
    if approval["digest"] is not None:
        rows += [Text(), _digest(approval["digest"])]
    return Group(*rows)


def change_set_text(
    change_set: ReviewedChangeSet, *, full: bool = False, preview: bool = False
) -> Group:
    """Return one change set; `full` lists every property of what is added.

    Its digest stands below, but for a `preview`, which nobody can approve.
    """
    end = Text("A preview: nothing was changed.", "dim") if preview else _digest(change_set.digest)
    return Group(*_change_set(change_set, full=full), Text(), end)


def _heading(approval: Mapping[str, Any], now: datetime) -> Iterator[RenderableType]:
    place = (approval["pipeline"], approval["stage"], approval["action"])
    status = approval["status"]
    headline = Text(" / ".join(place), "bold")
    headline.append(f"  {status}", f"not bold {_STATUS_COLOURS.get(status, 'dim')}")
    yield headline
    asked, ends = (datetime.fromisoformat(approval[key]) for key in ("created_at", "expires_at"))
    if status == "Waiting":
        until = f"{ends.astimezone():%Y-%m-%d %H:%M}"
        yield below(f"asked {ago(asked, now)}, waits until {until}", 2)
    elif approval["decided_by"]:
        decided = datetime.fromisoformat(approval["decided_at"])
        yield below(f"by {approval['decided_by']}, {ago(decided, now)}", 2)
        if approval["comment"]:
            yield below(approval["comment"], 2)
    elif approval["error"]:
        yield below(approval["error"], 2)
    yield below(f"execution {approval['execution_id']}", 2)
    for words in (approval["custom_data"], approval["link"]):
        if words:
            yield below(words, 2)


def _review(review: Review, now: datetime, *, full: bool) -> Iterator[RenderableType]:
    yield Text()
    yield Text(_since(review, now), "bold")
    for source in review.sources:
        yield from _source(source, now)
    for change_set in review.change_sets:
        yield Text()
        yield from _change_set(change_set, full=full)
    for note in review.notes:
        yield Text()
        yield below(f"Note: {note}", 0, "yellow")


def _since(review: Review, now: datetime) -> str:
    if review.previous_execution_id is None:
        return "Sources, of the first release to this stage"
    released = review.previous_released_at
    when = f", {ago(released, now)}" if released else ""
    return f"Sources, since release {review.previous_execution_id[:8]}{when}"


def _source(source: SourceChange, now: datetime) -> Iterator[RenderableType]:
    revisions = [source.previous_revision_id, source.revision_id]
    if revisions[0] == revisions[1]:
        revisions = revisions[1:]
    told = " → ".join(short_commits(each) for each in revisions if each)
    yield below(f"{source.action_name}  {source.repository}  {told}", 2)
    for commit in source.commits:
        when = f", {ago(commit.authored_at, now)}" if commit.authored_at else ""
        yield below(f"{short_commits(commit.id)} {commit.message} ({commit.author}{when})", 4)
    if source.left_out:
        yield below(f"and {source.left_out} more", 4, "dim")
    if not source.commits and source.summary:
        yield below(source.summary.split("\n", maxsplit=1)[0], 4)
    if source.note and source.note != FIRST_RELEASE:  # the heading says so
        yield below(source.note, 4, "dim")


def _change_set(change_set: ReviewedChangeSet, *, full: bool) -> Iterator[RenderableType]:
    resources = resource_words(change_set.changes)
    verb = "creates" if change_set.kind == "CREATE" else "updates"
    headline = Text(f"Change set {change_set.name} {verb} {change_set.stack_name}: ", "bold")
    headline.append("nothing changes" if change_set.empty else summary(resources))
    yield headline
    if change_set.status != "AVAILABLE" and not change_set.empty:
        reason = f": {change_set.status_reason}" if change_set.status_reason else ""
        colour = "red" if change_set.status in _UNUSABLE else "dim"
        yield below(f"{change_set.status}{reason}", 2, colour)
    elif change_set.status_reason and not change_set.empty:
        yield below(change_set.status_reason, 2, "yellow")
    changed = changed_parameters(change_set.parameters)
    for parameter in changed:
        yield from _values(f"parameter {parameter.name}", parameter.before, parameter.after, 2)
    if resources and (changed or change_set.status != "AVAILABLE"):
        yield Text()
    for resource in resources:
        yield from _resource(resource, full=full)


def _resource(resource: ResourceWords, *, full: bool) -> Iterator[RenderableType]:
    default = ("?", "magenta")
    sign, colour = _REPLACED if resource.is_replaced else _SIGNS.get(resource.action, default)
    headline = Text(f"  {sign} ", colour)
    headline.append(resource.logical_id, "not dim bold")
    headline.append(f"  {resource.type}", "dim")
    yield headline
    why = f" ({'; '.join(resource.why)})" if resource.why else ""
    if resource.action != "Add":
        yield below(f"{resource.outcome}{why}", 4, colour)
    shown = list(resource.properties)
    if resource.action == "Add" and not full:
        shown = shown[:_ADDED_SHOWN]
    for each in shown:
        yield from _property(each, is_added=resource.action == "Add")
    if left := len(resource.properties) - len(shown):
        yield below(f"and {left} more, with --full", 6, "dim")


def _property(words: PropertyWords, *, is_added: bool) -> Iterator[RenderableType]:
    if is_added:
        yield from _value(words.path, words.after or "(empty)", 6)
    elif words.before is None and words.after is None:
        yield below(f"{words.path}: its values are not known before", 6)
    else:
        yield from _values(words.path, words.before, words.after, 6)


def _values(
    name: str, before: str | None, after: str | None, indent: int
) -> Iterator[RenderableType]:
    """Yield one line where it fits, else one for the name and one for each value."""
    if before is None or after is None:
        sign, value = ("+", after) if before is None else ("-", before)
        style = "green" if before is None else "red"
        yield from _value(f"{sign} {name}", value or "(empty)", indent, style)
        return
    line = f"{name}: {before or '(empty)'} → {after or '(empty)'}"
    if len(line) + indent <= WIDTH and "\n" not in line:
        yield below(line, indent)
        return
    yield below(name, indent)
    yield _marked("-", before, indent + 2, "red")
    yield _marked("+", after, indent + 2, "green")


def _marked(sign: str, value: str, indent: int, style: str) -> RenderableType:
    """Return a value behind its sign; what does not fit goes on below the value."""
    row = Table.grid()
    row.add_column(width=2)
    row.add_column(overflow="fold")
    row.add_row(Text(sign, style), Text(legible(value), style))
    return Padding(row, (0, 0, 0, indent), expand=False)


def _value(name: str, value: str, indent: int, style: str = "") -> Iterator[RenderableType]:
    """Yield one line where it fits, else one for the name and the value below it."""
    if len(f"{name}: {value}") + indent <= WIDTH and "\n" not in value:
        yield below(f"{name}: {value}", indent, style)
        return
    yield below(f"{name}:", indent, style)
    yield below(value, indent + 2, style)


def _digest(digest: str) -> RenderableType:
    return Text(f"Digest {digest}", overflow="fold")
