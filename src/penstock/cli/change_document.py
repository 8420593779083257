"""A template's preview as one JSON document, for scripts: its schema is in docs/changeset.md."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.cli.change_preview import Preview
from penstock.pipelines.review import ReviewedChangeSet
from penstock.pipelines.review_words import PropertyWords, ResourceWords, resource_words


@dataclass(frozen=True, slots=True)
class Endings:
    """Logical ids of what does not stay what it is, those in nested stacks included."""

    replaced: Sequence[str]
    may_be_replaced: Sequence[str]
    removed: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.replaced or self.may_be_replaced or self.removed)

    def __str__(self) -> str:
        kinds = {
            "replaced": self.replaced,
            "perhaps replaced": self.may_be_replaced,
            "removed": self.removed,
        }
        return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)


def endings(change_sets: Iterable[ReviewedChangeSet]) -> Endings:
    """Return what these change sets replace, may replace or remove."""
    resources = [each for one in change_sets for each in resource_words(one.changes)]
    return Endings(
        replaced=[each.logical_id for each in resources if each.is_replaced],
        may_be_replaced=[each.logical_id for each in resources if each.may_be_replaced],
        removed=[each.logical_id for each in resources if each.action == "Remove"],
    )


def document(preview: Preview) -> dict[str, Any]:
    """Return the document: plain values, every member always there, null where nothing is known."""
    change_set, ends = preview.change_set, endings(preview.change_sets)
    return {
        "stack": {
            "name": change_set.stack_name,
            "id": change_set.stack_id or None,
            "exists": preview.existed,
        },
        "changeSet": {
            "name": change_set.name or None,
            "arn": change_set.arn or None,
            "type": change_set.kind,
            "status": change_set.status,
            "statusReason": change_set.status_reason or None,
            "kept": preview.kept,
        },
        "digest": change_set.digest or None,
        "empty": change_set.empty,
        "parameters": msgspec.to_builtins(change_set.parameters),
        "changes": _changes(change_set),
        "nested": [
            {
                "stack": {"name": each.stack_name, "id": each.stack_id or None},
                "changeSet": {"name": each.name, "arn": each.arn, "type": each.kind},
                "changes": _changes(each),
            }
            for each in preview.nested
        ],
        "replaced": list(ends.replaced),
        "mayBeReplaced": list(ends.may_be_replaced),
        "removed": list(ends.removed),
        "warnings": [*_warnings(preview.change_sets), *preview.notes],
    }


def _changes(change_set: ReviewedChangeSet) -> list[dict[str, Any]]:
    return [_change(each) for each in resource_words(change_set.changes)]


def _change(words: ResourceWords) -> dict[str, Any]:
    return {
        "action": words.action,
        "logicalId": words.logical_id,
        "type": words.type,
        "physicalId": words.physical_id or None,
        "replacement": words.replacement,
        "policyAction": words.policy or None,
        "outcome": words.outcome,
        "warning": words.warning or None,
        "properties": [_property(each) for each in words.properties],
    }


def _property(words: PropertyWords) -> dict[str, Any]:
    targets = [each.get("Target") or {} for each in words.details]
    needed = [each.get("RequiresRecreation") for each in targets]
    return {
        "path": words.path,
        "before": words.before,
        "after": words.after,
        "requiresRecreation": next((each for each in needed if each), None),
        "causes": _causes(words.details),
    }


def _causes(details: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the causes. AWS adds a DirectModification to many an other one: it is none then."""
    sources = {each.get("ChangeSource") for each in details} - {None}
    found = [
        {
            "source": each["ChangeSource"],
            "entity": each.get("CausingEntity"),
            "certain": each.get("Evaluation") != "Dynamic",
        }
        for each in details
        if each.get("ChangeSource")
        and (each["ChangeSource"] != "DirectModification" or len(sources) == 1)
    ]
    return [each for index, each in enumerate(found) if each not in found[:index]]


def _warnings(change_sets: Iterable[ReviewedChangeSet]) -> list[str]:
    return [
        *(
            f"{each.logical_id}: {each.warning}"
            for one in change_sets
            for each in resource_words(one.changes)
            if each.warning
        ),
        *(one.status_reason for one in change_sets if one.status_reason and not one.empty),
    ]
