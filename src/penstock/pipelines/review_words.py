"""A change set in words for the person who approves it: what happens to each resource, and why.

Pure. Read from the Changes of DescribeChangeSet with property values; the command line and the
console show the same words. Values are whole: neither a digest nor a tag is ever shortened. Not
every CloudFormation tells everything: what an answer lacks is said to be missing, never guessed.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.pipelines.lasting_data import data_warning
from penstock.pipelines.leaf_changes import LeafChange, leaf_changes, leaves
from penstock.pipelines.review import ParameterChange
from penstock.stacks.display import MASK
from penstock.stacks.intrinsics.unknown import KNOWN_AFTER_APPLY

KNOWN_LATER = "(known after the change is applied)"

_OLD_ONE = {
    "ReplaceAndDelete": "the old one deleted",
    "ReplaceAndRetain": "the old one is kept, outside the stack",
    "ReplaceAndSnapshot": "the old one deleted after a snapshot of it",
}
_REMOVAL = {
    "Delete": "is deleted",
    "Retain": "leaves the stack, and is kept outside it",
    "Snapshot": "is deleted, after a snapshot of it",
}
_OLD_ONE_UNTOLD = "what becomes of the old one the endpoint does not say"
_REMOVAL_UNTOLD = "is removed; whether it is deleted or kept the endpoint does not say"
_UNTOLD = "changes; the endpoint does not say whether it is replaced"
_ALL_UNTOLD = "changes; the endpoint does not say how, nor whether it is replaced"
_NO_CAUSE = "the endpoint does not say why"
_MAY_BE_REPLACED = "may be replaced: only carrying the change out will tell"
_MAY_CHANGE = "may change, in place: only carrying the change out will tell"


@dataclass(frozen=True, slots=True)
class PropertyWords:
    """One leaf of a resource's properties, or one of its attributes.

    `before` is None for what is added, `after` for what is removed; both are None where a change
    set cannot give values. `note` says whether this change replaces the resource, else "".
    `details` are those of the ResourceChange that it was read from.
    """

    path: str
    before: str | None
    after: str | None
    why: Sequence[str] = ()
    note: str = ""
    details: Sequence[Mapping[str, Any]] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ResourceWords:
    """What happens to one resource. An added resource's properties have no `before`.

    `action` is Add, Modify, Remove or another of AWS's; `outcome` says the same in words, with
    what becomes of the old one when it `is_replaced`; `why` has the causes of all its properties.
    `replacement` is True, False or Conditional, None where nothing tells; `warning` says what is
    lost, "" for nothing. `policy` is the PolicyAction, "" where none is told.
    """

    action: str
    logical_id: str
    type: str
    physical_id: str
    outcome: str
    is_replaced: bool = False
    why: Sequence[str] = ()
    properties: Sequence[PropertyWords] = ()
    replacement: str | None = field(default=None, compare=False)
    policy: str = field(default="", compare=False)
    warning: str = field(default="", compare=False)

    @property
    def may_be_replaced(self) -> bool:
        """Whether a replacement is possible and not certain: told so, or not told at all."""
        return self.action == "Modify" and self.replacement not in {"True", "False"}


def unusable_words(name: str, reason: str) -> str:
    """Say of a change set under review that it cannot be executed any more, and what to do."""
    return (
        f"Change set {name} cannot be executed any more: {reason}\n"
        "Approving it leads to a failure that changes nothing. Reject it, and retry the stage "
        "or release again to get a new one."
    )


def resource_words(changes: Iterable[Mapping[str, Any]]) -> list[ResourceWords]:
    """Return each resource's change in words; `changes` are Changes, or ResourceChanges."""
    return [_resource(each.get("ResourceChange", each)) for each in changes]


def legible(text: str) -> str:
    """Return the text with what a terminal or browser would obey, not show, as escapes.

    Control characters, marks that turn the direction of writing, halves of characters.
    """
    return "".join(
        each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text
    )


def summary(resources: Sequence[ResourceWords]) -> str:
    """Return `2 added, 1 changed, 1 replaced, 1 removed`, or `no resource changes`."""
    counts = {
        "added": sum(each.action == "Add" for each in resources),
        "changed": sum(each.action == "Modify" and not each.is_replaced for each in resources),
        "replaced": sum(each.is_replaced for each in resources),
        "removed": sum(each.action == "Remove" for each in resources),
    }
    counts["others"] = len(resources) - sum(counts.values())
    return ", ".join(f"{n} {word}" for word, n in counts.items() if n) or "no resource changes"


def changed_parameters(parameters: Iterable[ParameterChange]) -> list[ParameterChange]:
    """Return the parameters whose value differs; a changed secret's texts do, too."""
    return [each for each in parameters if each.before != each.after]


def _resource(change: Mapping[str, Any]) -> ResourceWords:
    action, policy = str(change.get("Action", "")), str(change.get("PolicyAction") or "")
    details = change.get("Details") or ()
    replacement = _replacement(change, details) if action == "Modify" else None
    groups = _by_target(details)
    return ResourceWords(
        action=action,
        logical_id=legible(str(change.get("LogicalResourceId", ""))),
        type=legible(str(change.get("ResourceType", ""))),
        physical_id=legible(str(change.get("PhysicalResourceId") or "")),
        outcome=_outcome(action, replacement, policy, details),
        is_replaced=replacement == "True",
        why=_distinct(cause for group in groups for cause in _causes(group)),
        properties=_added(change) if action == "Add" else _changed(change, groups),
        replacement=replacement,
        policy=policy,
        warning=data_warning(str(change.get("ResourceType", "")), action, replacement, policy),
    )


def _replacement(change: Mapping[str, Any], details: Sequence[Mapping[str, Any]]) -> str | None:
    """Return a Modify's Replacement; where it is not told, what AWS says that its details mean."""
    told = change.get("Replacement")
    if told:
        return str(told)
    needed = {(each.get("Target") or {}).get("RequiresRecreation") for each in details}
    if needed == {"Never"}:
        return "False"
    certain = {
        (each.get("Target") or {}).get("RequiresRecreation")
        for each in details
        if each.get("Evaluation") == "Static"
    }
    if "Always" in certain:
        return "True"
    return "Conditional" if needed & {"Always", "Conditionally"} else None


def _outcome(
    action: str, replacement: str | None, policy: str, details: Sequence[Mapping[str, Any]]
) -> str:
    if action == "Modify":
        if replacement == "True":
            return f"is replaced: a new one is made, {_OLD_ONE.get(policy, _OLD_ONE_UNTOLD)}"
        if replacement != "False":
            return _MAY_BE_REPLACED if replacement else _UNTOLD if details else _ALL_UNTOLD
        evaluations = {each.get("Evaluation") for each in details}
        return _MAY_CHANGE if evaluations == {"Dynamic"} else "in place"
    if action == "Remove":
        return _REMOVAL.get(policy, _REMOVAL_UNTOLD)
    if action == "Add":
        return "is created"
    return {"Import": "is taken into the stack", "Dynamic": "what happens is not known yet"}.get(
        action, action
    )


def _by_target(details: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the details of each property together: AWS gives one per cause."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in details:
        found.setdefault(_path(each.get("Target") or {}), []).append(each)
    return list(found.values())


def _path(target: Mapping[str, Any]) -> str:
    """Return `TaskDefinition`, `Tags`, `Metadata` or, from a deeper path, `Tags[0].Value`."""
    pointer = str(target.get("Path") or "")
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    if steps[:1] == ["Properties"] and len(steps) > 1:
        steps = steps[1:]
    if not steps:
        return str(target.get("Name") or target.get("Attribute") or "")
    first, *rest = steps
    return first + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in rest)


def _changed(
    change: Mapping[str, Any], groups: Sequence[Sequence[Mapping[str, Any]]]
) -> list[PropertyWords]:
    """Return what differs: as the details have it, with the contexts' values where they have none.

    Without any detail the contexts alone tell.
    """
    before, after = (_context(change, member) for member in ("BeforeContext", "AfterContext"))
    if groups or not (before and after):
        return [words for details in groups for words in _modified(details, before, after)]
    return [
        PropertyWords(legible(each.path), _worded(each.before), _worded(each.after))
        for name in dict.fromkeys([*before, *after])
        for each in leaf_changes(name, _text(before.get(name)), _text(after.get(name)))
    ]


def _modified(
    details: Sequence[Mapping[str, Any]], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[PropertyWords]:
    targets = [each.get("Target") or {} for each in details]
    path, why, note = _path(targets[0]), _causes(details), _note(targets)
    old, new = _first(targets, "BeforeValue"), _first(targets, "AfterValue")
    if old is None and new is None and before and after:
        old, new = _text(before.get(path)), _text(after.get(path))
    if old is None and new is None:
        return [PropertyWords(legible(path), None, None, why, note, details)]
    return [
        PropertyWords(
            legible(each.path), _worded(each.before), _worded(each.after), why, note, details
        )
        for each in _leaf_changes(path, old, new)
    ]


def _leaf_changes(path: str, before: str | None, after: str | None) -> list[LeafChange]:
    if KNOWN_AFTER_APPLY in {before, after}:
        return [LeafChange(path, before, after)]
    found = leaf_changes(path, before, after)
    if found:
        return found
    hidden = [LeafChange(at, text, text) for at, text in leaves(path, after) if MASK in text]
    return hidden or [LeafChange(path, before, after)]


def _first(targets: Iterable[Mapping[str, Any]], member: str) -> str | None:
    found = (each.get(member) for each in targets)
    return _text(next((each for each in found if each is not None), None))


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _note(targets: Sequence[Mapping[str, Any]]) -> str:
    needed = {each.get("RequiresRecreation") for each in targets}
    if "Always" in needed:
        return "replaces the resource"
    return "may replace the resource" if "Conditionally" in needed else ""


def _causes(details: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Return why one property changes. The change itself is a cause only where no other is."""
    found = _distinct(words for each in details if (words := _cause(each)))
    if found:
        return found
    if not any(each.get("ChangeSource") for each in details):
        return (_NO_CAUSE,)
    target = details[0].get("Target") or {}
    without_values = target.get("BeforeValue") is None and target.get("AfterValue") is None
    if target.get("Attribute") == "Tags" and without_values:
        return ("the stack's tags changed",)
    return ("edited in the template",)


def _cause(detail: Mapping[str, Any]) -> str:
    source, entity = detail.get("ChangeSource"), legible(str(detail.get("CausingEntity") or ""))
    certain = detail.get("Evaluation") != "Dynamic"
    if source == "ParameterReference":
        return f"parameter {entity} changed"
    if source == "ResourceReference":
        return f"refers to {entity}, which {'is' if certain else 'may be'} replaced"
    if source == "ResourceAttribute":
        owner = entity.partition(".")[0]
        reason = f"and {owner} is replaced" if certain else "which may change"
        return f"reads {entity}, {reason}"
    return "its nested stack may change" if source == "Automatic" else ""


def _added(change: Mapping[str, Any]) -> list[PropertyWords]:
    """Return what an added resource will have, from its AfterContext."""
    return [
        PropertyWords(legible(path), None, _worded(text))
        for name, value in _context(change, "AfterContext").items()
        for path, text in leaves(name, _text(value))
    ]


def _context(change: Mapping[str, Any], member: str) -> dict[str, Any]:
    """Return a context's properties and other attributes by name; nothing where it is missing."""
    try:
        context = json.loads(change.get(member) or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(context, dict):
        return {}
    properties = context.get("Properties")
    others = {name: value for name, value in context.items() if name != "Properties"}
    return {**(properties if isinstance(properties, dict) else {}), **others}


def _worded(text: str | None) -> str | None:
    return None if text is None else legible(text).replace(KNOWN_AFTER_APPLY, KNOWN_LATER)


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
