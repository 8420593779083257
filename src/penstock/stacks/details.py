"""Why a resource changes: the details of a modification, each with its cause. Pure.

A detail is Static where the new value is known, Dynamic where it comes from what changes too.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.stacks import schemas
from penstock.stacks.desired import Desired
from penstock.stacks.differences import Difference
from penstock.stacks.display import as_text, canonical, secrets_of
from penstock.stacks.plan import Detail, Replacement, Shown
from penstock.stacks.schemas import ResourceSchema
from penstock.stacks.secret_places import SecretPlaces
from penstock.stacks.state import StackState
from penstock.stacks.template.evaluate import Unknown
from penstock.stacks.template.references import Path, Reference
from penstock.stacks.template.template import ResourceDeclaration


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
        self._secrets = secrets_of(current.parameters, desired.parameters)
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
        self, logical_id: str, difference: Difference, all_refers: Sequence[Reference]
    ) -> Iterator[Detail]:
        """Yield the details of one difference: first by cause, then the change itself.

        `all_refers` are the references of the whole resource.
        """
        refers = [each for each in all_refers if each.path and each.path[0] == difference.name]
        detail = self._target(logical_id, difference)
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
        schema = schemas.schema(declared.type)
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
                requires_recreation=_any_recreation(schema, name),
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
        schema = schemas.schema(declared.type)
        names = sorted({str(each.path[0]) for each in refers if each.kind == "Import"})
        return [
            Detail(
                attribute="Properties",
                name=name,
                requires_recreation=_any_recreation(schema, name),
                evaluation="Static",
                change_source="DirectModification",
            )
            for name in names
        ]

    def context(
        self,
        logical_id: str,
        properties: Mapping[str, Any],
        metadata: Mapping[str, Any] | None,
        *,
        deployed: bool,
    ) -> str:
        """Return a resource's values as JSON, without secrets; Metadata where it is given."""
        places = self._before if deployed else self._after
        paths = places.in_properties(logical_id) if places else ()
        context = {"Properties": self._secrets.masked(canonical(properties), paths)}
        if metadata is not None:
            paths = places.in_metadata(logical_id) if places else ()
            context["Metadata"] = self._secrets.masked(canonical(metadata), paths)
        return json.dumps(context, ensure_ascii=False)

    def _target(self, logical_id: str, difference: Difference) -> Detail:
        return Detail(
            attribute=difference.attribute,
            name=difference.target_name,
            requires_recreation=difference.requires_recreation,
            evaluation="Static",
            change_source="DirectModification",
            path=difference.path,
            attribute_change_type=difference.kind,
            before_value=self._shown(difference.before, logical_id, difference, self._before),
            after_value=self._shown(difference.after, logical_id, difference, self._after),
        )

    def _shown(
        self, value: Any, logical_id: str, difference: Difference, places: SecretPlaces | None
    ) -> str | None:
        if value is None:
            return None
        paths: list[Path] = []
        if places is not None and difference.attribute == "Metadata":
            paths = places.in_metadata(logical_id)
        elif places is not None and difference.name:
            found = places.in_properties(logical_id)
            paths = [path[1:] for path in found if path and path[0] == difference.name]
        return as_text(self._secrets.masked(canonical(value), paths))

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


def _any_recreation(schema: ResourceSchema | None, name: str) -> str:
    """Return what a change of the property requires whose values are not known."""
    return (
        "Never" if schema is None else schema.requires_recreation(name, None, Unknown(name, None))
    )
