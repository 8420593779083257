"""Why a resource changes: the details of a modification, each with its cause. Pure.

A detail is Static where the new value is known, Dynamic where it comes from what changes too.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.stacks.display import as_text, canonical, secrets_of
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.differences import Difference, recreation
from penstock.stacks.planning.plan import Detail, Replacement, Shown
from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.resource_schema import ValuePath
from penstock.stacks.state import StackState
from penstock.stacks.template.evaluate import Unknown
from penstock.stacks.template.references import Path, Reference
from penstock.stacks.template.template import ResourceDeclaration


@dataclass(frozen=True, slots=True)
class Values:
    """One resource's values as they may be shown, before and after: `Details.shown`."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Details:
    """Tells causes by what is known of the resources visited before."""

    def __init__(
        self,
        current: StackState,
        desired: Desired,
        before: SecretPlaces | None,
        after: SecretPlaces,
    ) -> None:
        """`before` and `after` tell secrets in what is deployed, if anything is, and wanted."""
        self._before = before
        self._after = after
        self._secrets = secrets_of(
            current.parameters, desired.parameters, resources=current.resources.values()
        )
        self._changed_parameters = _changed_parameters(current, desired)
        self._replaced: set[str] = set()
        self._in_place: set[str] = set()
        self._perhaps_replaced: set[str] = set()

    def note(self, logical_id: str, replacement: Replacement | None) -> None:
        """Take note of how a resource changes, for those that refer to it."""
        replaced = replacement is Replacement.TRUE
        (self._replaced if replaced else self._in_place).add(logical_id)
        if replacement is Replacement.CONDITIONAL:
            self._perhaps_replaced.add(logical_id)

    def is_replaced(self, logical_id: str) -> bool:
        """Tell whether the resource was noted as one that is replaced."""
        return logical_id in self._replaced

    def of(
        self,
        logical_id: str,
        difference: Difference,
        all_refers: Sequence[Reference],
        values: "Values",
    ) -> Iterator[Detail]:
        """Yield the details of one difference: first by cause, then the change itself.

        `all_refers` are the references of the whole resource, `values` what may be shown of it.
        """
        place = difference.place
        refers = [each for each in all_refers if place and _meets(each.path, place)]
        detail = _target(difference, values)
        causes = list(self._causes(refers))
        for source, entity in causes:
            yield dataclasses.replace(detail, change_source=source, causing_entity=entity)
        by_parameter = any(source == "ParameterReference" for source, _ in causes)
        if not causes:
            yield detail
        else:
            shown = Shown.ALWAYS if by_parameter else Shown.WITH_VALUES
            yield dataclasses.replace(detail, evaluation="Dynamic", shown=shown)

    def of_changing_references(
        self, declared: ResourceDeclaration, refers: Sequence[Reference]
    ) -> list[Detail]:
        """Return a detail for all that is read from resources that change, perhaps, in place."""
        schema = resource_schema.schema(declared.type)
        found: dict[tuple[str, str], Detail] = {}
        for each in refers:
            if each.kind == "Attribute" and each.name in self._in_place:
                source, entity = "ResourceAttribute", f"{each.name}.{each.attribute}"
            elif each.kind == "Resource" and each.name in self._perhaps_replaced:
                source, entity = "ResourceReference", each.name
            else:
                continue
            name = str(each.path[0])
            is_tags = schema is not None and name == schema.tag_property
            detail = Detail(
                attribute="Tags" if is_tags else "Properties",
                name=None if is_tags else name,
                requires_recreation=_any_recreation(declared.type, name),
                evaluation="Dynamic",
                change_source=source,
                causing_entity=entity,
                shown=Shown.WITHOUT_VALUES,
            )
            found.setdefault((name, entity), detail)
        return list(found.values())

    def of_imports(
        self, declared: ResourceDeclaration, refers: Sequence[Reference]
    ) -> list[Detail]:
        """Return a detail for each property with an import whose value is not known."""
        names = sorted({str(each.path[0]) for each in refers if each.kind == "Import"})
        return [
            Detail(
                attribute="Properties",
                name=name,
                requires_recreation=_any_recreation(declared.type, name),
                evaluation="Static",
                change_source="DirectModification",
            )
            for name in names
        ]

    def shown(
        self,
        logical_id: str,
        properties: Mapping[str, Any],
        others: Mapping[str, Any],
        *,
        deployed: bool,
    ) -> dict[str, Any]:
        """Return a resource's values as they may be shown: canonical, without secrets.

        `others` are Metadata and policies by their names in a template; what is None or empty is
        left out.
        """
        places = self._before if deployed else self._after
        paths = places.in_properties(logical_id) if places else ()
        found = {"Properties": self._secrets.masked(canonical(properties), paths)}
        for name, value in others.items():
            if value:
                secret = places is not None and name == "Metadata"
                paths = places.in_metadata(logical_id) if places and secret else ()
                found[name] = self._secrets.masked(canonical(value), paths)
        return found

    def _causes(self, refers: Sequence[Reference]) -> Iterator[tuple[str, str]]:
        """Yield ChangeSource and CausingEntity of what a property refers to and that changes."""
        seen: set[tuple[str, str]] = set()
        for each in refers:
            found = self._cause(each)
            if found is not None and found not in seen:
                seen.add(found)
                yield found

    def _cause(self, reference: Reference) -> tuple[str, str] | None:
        name = reference.name
        if reference.kind == "Parameter" and name in self._changed_parameters:
            return "ParameterReference", name
        if reference.kind == "Resource" and name in self._replaced:
            return "ResourceReference", name
        if reference.kind == "Attribute" and name in self._replaced:
            return "ResourceAttribute", f"{name}.{reference.attribute}"
        return None


def _changed_parameters(current: StackState, desired: Desired) -> frozenset[str]:
    """Return the parameters whose given value differs; a changed SSM parameter's is the same."""
    return frozenset(
        name
        for name, given in desired.parameters.items()
        if (before := current.parameters.get(name)) is not None and before.value != given.value
    )


def _target(difference: Difference, values: Values) -> Detail:
    before, after = difference.before, difference.after
    return Detail(
        attribute=difference.attribute,
        name=difference.target_name,
        requires_recreation=difference.requires_recreation,
        evaluation="Static",
        change_source="DirectModification",
        path=difference.path,
        attribute_change_type=difference.kind,
        before_value=None if before is None else _text_at(values.before, difference),
        after_value=None if after is None else _text_at(values.after, difference),
    )


def _text_at(shown: Mapping[str, Any], difference: Difference) -> str | None:
    """Return what is shown where the difference is; of a whole that is a secret, or not known yet,
    what stands for it."""
    found: Any = shown.get("Properties" if difference.place else difference.attribute)
    for step in difference.place:
        if isinstance(found, list) and isinstance(step, int):
            found = found[step] if step < len(found) else None
        elif isinstance(found, Mapping):
            found = found.get(step)
    return None if found is None else as_text(found)


def _meets(path: Path, place: ValuePath) -> bool:
    """Return whether what stands at `path` is part of what stands at `place`, or has it as one."""
    shorter = min(len(path), len(place))
    return path[:shorter] == place[:shorter]


def _any_recreation(resource_type: str, name: str) -> str:
    """Return what a change of the property requires whose values are not known."""
    schema = resource_schema.schema(resource_type)
    return recreation(resource_type, schema, (name,), None, Unknown(name, None))
