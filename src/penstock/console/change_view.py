"""A change set as its page and an approval's page show it: a headline, then what changes. Pure.

What is said of each resource comes from `pipelines.review_words`, as on the command line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.console.pipeline_view import change_set_path, stack_path
from penstock.pipelines.review import ParameterChange, ReviewedChangeSet
from penstock.pipelines.review_words import (
    PropertyWords,
    ResourceWords,
    changed_parameters,
    resource_words,
)

_LONG = 160
"""Characters of a value that are shown before it is folded."""
_FEW = 6
"""Properties of an added resource that are shown before they are folded."""
_SEPARATORS = ":/,= \n\"'"
"""Where a marked part may begin and end: within a tag or a number nothing is cut apart."""
_CONTEXT = 6
"""Two values must have as much in common, for what differs to be marked inside them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What happens to a resource, at a glance; `name` is also its style's."""

    name: str
    sign: str
    weight: int
    """The graver, the smaller: grave changes are read first."""


_REMOVE = Kind("remove", "−", 0)
_REPLACE = Kind("replace", "±", 1)
_MODIFY = Kind("modify", "~", 3)
_KINDS = {"Add": Kind("add", "+", 4), "Remove": _REMOVE, "Modify": _MODIFY}
_OTHER = Kind("other", "?", 2)


@dataclass(frozen=True, slots=True)
class Value:
    """One side of a change; `differs` is the part that is on this side alone, marked."""

    start: str
    differs: str
    end: str

    @property
    def text(self) -> str:
        """The whole value."""
        return f"{self.start}{self.differs}{self.end}"

    @property
    def long(self) -> bool:
        """Whether it is folded."""
        return len(self.text) > _LONG or self.text.count("\n") > 3


@dataclass(frozen=True, slots=True)
class Property:
    """One property that changes; a side is None where it is not there."""

    words: PropertyWords
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource that changes."""

    words: ResourceWords
    kind: Kind
    properties: Sequence[Property]

    @property
    def folded(self) -> bool:
        """Whether its properties are shown on demand: those of a new resource may be many."""
        return self.words.action == "Add" and len(self.properties) > _FEW

    @property
    def one_note(self) -> bool:
        """Whether the outcome says it all: every property of it does the same to the resource."""
        return len({each.words.note for each in self.properties}) == 1

    @property
    def outcome(self) -> str:
        """What happens, as a sentence's beginning."""
        told = self.words.outcome
        return "Changes in place" if told == "in place" else told[:1].upper() + told[1:]


@dataclass(frozen=True, slots=True)
class ChangeSetView:
    """A change set with its words; the gravest of its resources' changes come first."""

    change_set: ReviewedChangeSet
    headline: str
    parameters: Sequence[ParameterChange]
    unchanged_parameters: int
    resources: Sequence[Resource]

    @property
    def path(self) -> str:
        """The change set's own page."""
        return change_set_path(self.change_set.arn)

    @property
    def stack_path(self) -> str:
        """The page of its stack."""
        return stack_path(self.change_set.stack_id)


def change_set_view(change_set: ReviewedChangeSet) -> ChangeSetView:
    """Return what a page shows of a change set."""
    resources = [_resource(words) for words in resource_words(change_set.changes)]
    changed = changed_parameters(change_set.parameters)
    return ChangeSetView(
        change_set,
        headline(change_set, resources),
        changed,
        len(change_set.parameters) - len(changed),
        sorted(resources, key=lambda each: each.kind.weight),
    )


def headline(change_set: ReviewedChangeSet, resources: Sequence[Resource]) -> str:
    """Return one sentence: `3 resources change in todobackend-prod: 1 is replaced`."""
    stack = change_set.stack_name
    if change_set.empty:
        return f"Nothing changes in {stack}"
    if change_set.status == "FAILED":
        return f"The change set for {stack} could not be made"
    if change_set.kind == "CREATE":
        return f"{stack} is created, with {_count(len(resources), 'resource')}"
    if not resources:
        return f"No resource changes in {stack}, but its outputs, tags or parameters do"
    names = ("remove", "removed"), ("replace", "replaced"), ("add", "added")
    parts = [
        f"{number} {'is' if number == 1 else 'are'} {done}"
        for name, done in names
        if (number := sum(each.kind.name == name for each in resources))
    ]
    if uncertain := sum(each.words.outcome.startswith("may be") for each in resources):
        parts.append(f"{uncertain} may be replaced")
    verb = "changes" if len(resources) == 1 else "change"
    told = f"{_count(len(resources), 'resource')} {verb} in {stack}"
    return f"{told}: {', '.join(parts)}" if parts else f"{told}, in place"


def _resource(words: ResourceWords) -> Resource:
    kind = _REPLACE if words.is_replaced else _KINDS.get(words.action, _OTHER)
    return Resource(words, kind, [_property(each) for each in words.properties])


def _property(words: PropertyWords) -> Property:
    if words.before is None or words.after is None:
        before, after = (
            None if text is None else Value("", "", text) for text in (words.before, words.after)
        )
        return Property(words, before, after)
    return Property(words, *_compared(words.before, words.after))


def _compared(before: str, after: str) -> tuple[Value, Value]:
    """Return both values with what differs between them marked."""
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    rest = shorter - start
    end = next((i for i in range(rest) if before[-1 - i] != after[-1 - i]), rest)
    if start + end < _CONTEXT or before == after:
        return Value("", "", before), Value("", "", after)
    while start and before[start - 1] not in _SEPARATORS:
        start -= 1
    while end and before[-end] not in _SEPARATORS:
        end -= 1
    return _cut(before, start, end), _cut(after, start, end)


def _cut(text: str, start: int, end: int) -> Value:
    stop = len(text) - end
    return Value(text[:start], text[start:stop], text[stop:])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
