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
        rows += [Text(), digest_row(approval["digest"])]
    return Group(*rows)


def change_set_text(change_set: ReviewedChangeSet, *, full: bool = False) -> Group:
    """Return one change set and its digest; `full` lists every property of what is added."""
    return Group(*change_set_rows(change_set, full=full), Text(), digest_row(change_set.digest))


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
        yield from change_set_rows(change_set, full=full)
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


def change_set_rows(
    change_set: ReviewedChangeSet, *, full: bool = False, subject: str = ""
) -> Iterator[RenderableType]:
    """Yield one change set under its headline, which `subject` and the stack's name begin.

    Without one the change set's own name and what it does to the stack do.
    """
    resources = resource_words(change_set.changes)
    verb = "creates" if change_set.kind == "CREATE" else "updates"
    begin = subject or f"Change set {change_set.name} {verb}"
    told = "nothing changes" if change_set.empty else summary(resources)
    yield below(f"{begin} {change_set.stack_name}: {told}", 0, "bold")
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
    elif not resources and not change_set.empty:
        yield below("outputs, tags or settings of the stack change", 2)
    for resource in resources:
        yield from _resource(resource, full=full)


def _resource(resource: ResourceWords, *, full: bool) -> Iterator[RenderableType]:
    default = ("?", "magenta")
    sign, colour = _REPLACED if resource.is_replaced else _SIGNS.get(resource.action, default)
    yield _headline(resource, sign, colour)
    one_reason = len(resource.why) == 1
    why = f" ({resource.why[0]})" if one_reason else ""
    if resource.action != "Add":
        yield below(f"{resource.outcome}{why}", 4, colour)
    if resource.warning:
        yield below(f"WARNING: {resource.warning}", 4, "bold red")
    shown = list(resource.properties)
    if resource.action == "Add" and not full:
        shown = shown[:_ADDED_SHOWN]
    one_note = len({each.note for each in shown}) == 1
    for each in shown:
        told = [*([] if one_note else [each.note]), *([] if one_reason else each.why)]
        yield from _property(
            each, resource.action == "Add", "; ".join(words for words in told if words)
        )
    if left := len(resource.properties) - len(shown):
        yield below(f"and {left} more, with --full", 6, "dim")
    if resource.action == "Modify" and not shown and resource.replacement:
        yield below("what of it changes the endpoint does not say", 6)


def _headline(resource: ResourceWords, sign: str, colour: str) -> RenderableType:
    """Return what it is; its physical id too where it ends, or is replaced, if there is room."""
    line = Text(f"  {sign} ", colour)
    line.append(resource.logical_id, "not dim bold")
    line.append(f"  {resource.type}", "dim")
    ends = resource.is_replaced or resource.action == "Remove"
    if ends and len(line) + len(resource.physical_id) + 2 <= WIDTH and resource.physical_id:
        line.append(f"  {resource.physical_id}", "dim")
    line.overflow = "fold"
    return line


def _property(words: PropertyWords, is_added: bool, why: str) -> Iterator[RenderableType]:
    """Yield what a property is, or changes from and to; `why` stands behind or below it."""
    if is_added:
        yield from _value(words.path, words.after or "(empty)", 6)
        return
    if words.before is None and words.after is None:
        later = all(each.get("Evaluation") == "Dynamic" for each in words.details)
        told = "its values are not known before" if later else "its values are not told"
        yield from _line(Text(f"{words.path}: {told}"), why, 6)
    else:
        yield from _values(words.path, words.before, words.after, 6, why)


def _line(line: Text, why: str, indent: int) -> Iterator[RenderableType]:
    """Yield a line with the reason behind it if it fits there, else below it."""
    reason = f"  ({why})" if why else ""
    if reason and len(line) + len(reason) + indent <= WIDTH:
        line.append(reason, "dim")
        reason = ""
    line.overflow = "fold"
    yield Padding(line, (0, 0, 0, indent), expand=False)
    if reason:
        yield below(reason.strip(), indent + 2, "dim")


def _values(
    name: str, before: str | None, after: str | None, indent: int, why: str = ""
) -> Iterator[RenderableType]:
    """Yield one line where it fits, else one for the name and one for each value."""
    if before is None or after is None:
        sign, value = ("+", after) if before is None else ("-", before)
        style = "green" if before is None else "red"
        yield from _value(f"{sign} {name}", value or "(empty)", indent, style, why)
        return
    old, new = legible(before or "(empty)"), legible(after or "(empty)")
    line = Text(f"{legible(name)}: ")
    line.append(old, "red").append(" → ").append(new, "green")
    if len(line) + indent <= WIDTH and "\n" not in line.plain:
        yield from _line(line, why, indent)
        return
    yield from _line(Text(legible(name)), why, indent)
    yield _marked("-", before, indent + 2, "red")
    yield _marked("+", after, indent + 2, "green")


def _marked(sign: str, value: str, indent: int, style: str) -> RenderableType:
    """Return a value behind its sign; what does not fit goes on below the value."""
    row = Table.grid()
    row.add_column(width=2)
    row.add_column(overflow="fold")
    row.add_row(Text(sign, style), Text(legible(value), style))
    return Padding(row, (0, 0, 0, indent), expand=False)


def _value(
    name: str, value: str, indent: int, style: str = "", why: str = ""
) -> Iterator[RenderableType]:
    """Yield one line where it fits, else one for the name and the value below it."""
    if len(f"{name}: {value}") + indent <= WIDTH and "\n" not in value:
        yield from _line(Text(legible(f"{name}: {value}"), style), why, indent)
        return
    yield from _line(Text(legible(f"{name}:"), style), why, indent)
    yield below(value, indent + 2, style)


def digest_row(digest: str) -> RenderableType:
    """Return what `penstock approve --digest` takes."""
    return Text(f"Digest {digest}", overflow="fold")
