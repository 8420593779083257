"""Decides what an operation on a stack changes: from the stack as it stands and what is wanted.

The facts that AWS was recorded answering are in tests/unit/stacks/planning/test_planner.py. One
walk in order of dependencies: a resource's properties are evaluated with what is known of those
before it, and compared with what is deployed. What a replaced or new resource will answer is
Unknown, and so is all that is built from it; an attribute of a resource changed in place may
change, so its dependants are planned as Dynamic.
"""

import dataclasses
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

from penstock.aws.errors import ServiceError
from penstock.stacks.display import as_json, canonical
from penstock.stacks.planning import attempts, deletion_policy, made_up, unsupported
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.details import Details, Values
from penstock.stacks.planning.differences import Difference, Policies, differences
from penstock.stacks.planning.imports import Imports
from penstock.stacks.planning.nesting import AUTOMATIC, NESTED_STACK, Asked, InTurn, Whole, go_on
from penstock.stacks.planning.plan import (
    Action,
    Detail,
    Plan,
    PlannedChange,
    Replacement,
    replacement_of,
)
from penstock.stacks.planning.present import Present, policies_of
from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.schemas import property_rules, resource_schema
from penstock.stacks.state import DeployedResource, StackState
from penstock.stacks.template import dynamic_references, evaluate, graph
from penstock.stacks.template.errors import MissingExport
from penstock.stacks.template.evaluate import ResourceValues, Unknown
from penstock.stacks.template.references import Reference, references
from penstock.stacks.template.template import ResourceDeclaration

_NOT_THERE = frozenset({"CREATE_FAILED", "DELETE_COMPLETE"})


def plan(
    current: StackState,
    desired: Desired,
    honoured: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Plan:
    """Return everything that bringing `current` to `desired` changes, in a stable order.

    `honoured` has the properties of each type that ignores none: others of its are refused.
    Raises ServiceError ValidationError where AWS refuses the whole: a resource that changes its
    type, a reference or function that cannot be evaluated.
    """
    planning = in_turn(current, desired, honoured)
    found = go_on(planning)
    while isinstance(found, Asked):  # nothing is known of it but what is deployed
        found = go_on(planning)
    return found.plan


def in_turn(
    current: StackState, desired: Desired, honoured: Mapping[str, Collection[str]]
) -> InTurn:
    """Plan as `plan` does, with nested stacks that are planned for themselves: each is asked for
    at its turn, and what it will answer is known to those that come after."""
    planning = _Planning(current, desired, honoured)
    _check_types(planning)
    for logical_id in planning.order():
        yield from planning.visit(logical_id)
    if planning.misplaced:
        raise dynamic_references.refused_places(planning.misplaced)
    planning.remove_the_rest()
    outputs_changed, warnings = planning.outputs()
    plan = Plan(
        stack_id=current.stack_id,
        stack_serial=current.serial,
        template_body=desired.template.body,
        original_body=desired.template.original,
        parameters=desired.parameters,
        tags=desired.tags,
        capabilities=desired.capabilities,
        role_arn=desired.role_arn,
        notification_arns=desired.notification_arns,
        monitoring_minutes=desired.monitoring_minutes,
        changes=tuple(planning.changes),
        warnings=(*planning.warnings, *warnings),
        disable_rollback=desired.disable_rollback,
        description=desired.template.description,
        outputs_changed=outputs_changed,
        tags_changed=dict(current.tags) != dict(desired.tags),
        invalid_properties=planning.invalid,
        imports=planning.imports.found(),
    )
    return Whole(plan, planning.own_outputs, len(planning.active))


def has_changes(current: StackState, plan: Plan) -> bool:
    """Return whether there is anything to do: a resource, an output, the stack's tags or topics.

    A stack that was never deployed has everything to do. Topics alone: unverified.
    """
    new = not current.template_body
    topics_changed = list(current.notification_arns) != list(plan.notification_arns)
    return bool(new or plan.changes or plan.outputs_changed or plan.tags_changed or topics_changed)


def _check_types(planning: "_Planning") -> None:
    modified = sorted(
        logical_id
        for logical_id, declared in planning.active.items()
        if (deployed := planning.deployed(logical_id)) and deployed.resource_type != declared.type
    )
    if modified:
        raise ServiceError(  # text: aws-sam-cli#6786
            "ValidationError",
            "Update of resource type is not permitted. The new template modifies resource type "
            f"of the following resources: [{', '.join(modified)}]",
            status=400,
        )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One resource as it shall be, evaluated with what is known of those before it."""

    declared: ResourceDeclaration
    refers: Sequence[Reference]
    properties: Mapping[str, Any]
    metadata: Mapping[str, Any]
    policies: Policies


@dataclass
class _Planning:
    """One walk over the wanted resources, and what it found so far."""

    current: StackState
    desired: Desired
    honoured: Mapping[str, Collection[str]]
    nested: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The attributes that nested stacks will have, by logical id."""
    own_outputs: Mapping[str, Any] = field(default_factory=dict)
    changes: list[PlannedChange] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    invalid: dict[str, Sequence[str]] = field(default_factory=dict)
    misplaced: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        current, desired = self.current, self.desired
        self._known: dict[str, ResourceValues] = {}
        self._certain: dict[str, ResourceValues] = {}
        self.imports = Imports(desired.exports)
        self._scope = evaluate.Scope(
            template=desired.template,
            parameters=desired.parameters,
            region=current.region,
            account_id=current.account_id,
            stack_id=current.stack_id,
            stack_name=current.stack_name,
            notification_arns=tuple(desired.notification_arns),
            exports=self.imports,
            other_stacks=desired.other_stacks,
            resources=self._known,
        )
        self._certain_scope = dataclasses.replace(self._scope, resources=self._certain)
        self.conditions = evaluate.conditions(self._scope)
        self.active = evaluate.active_resources(self._scope)
        self._present = Present(current, self._scope, desired.exports)
        self._details = Details(
            current,
            desired,
            self._present.secret_places(),
            SecretPlaces(
                desired.template,
                desired.parameters,
                self.conditions,
                current.secret_resources,
                self._scope,
            ),
        )

    def deployed(self, logical_id: str) -> DeployedResource | None:
        """Return the resource as it exists, None when it does not."""
        found = self.current.resources.get(logical_id)
        return None if found is None or found.status in _NOT_THERE else found

    def order(self) -> list[str]:
        """Return the wanted resources, each after those it depends on, in a stable order."""
        needs = graph.dependencies(self.desired.template, self.conditions)
        return graph.in_order({name: sorted(needs[name]) for name in sorted(needs)})

    def visit(self, logical_id: str) -> Generator[Asked, Mapping[str, Any] | None, None]:
        """Plan one resource: Add, Modify or nothing; ask for what a nested stack will be."""
        declared = self.active[logical_id]
        deployed = self.deployed(logical_id)
        refers = references(self.desired.template, logical_id, self.conditions, self._scope)
        try:
            properties = evaluate.properties(self._scope, logical_id)
            metadata = evaluate.metadata(self._scope, logical_id)
        except MissingExport as error:
            self._plan_without_values(declared, deployed, refers, error.message)
            return
        self.misplaced += dynamic_references.misplaced(declared.type, properties)
        if deployed is None or properties != deployed.properties:  # these were valid once
            self._validate(declared, properties, refers)
        if declared.type == NESTED_STACK:
            attributes = yield Asked(logical_id, properties, len(self.active))
            if attributes is not None:
                self.nested[logical_id] = attributes
        policies = policies_of(self._certain_scope, declared)
        wanted = _Wanted(declared, refers, properties, metadata, policies)
        if deployed is None:
            self._add(wanted)
        else:
            changes = self._change(wanted, deployed)
            self._remember(deployed, changes=changes)

    def _add(self, wanted: "_Wanted") -> None:
        logical_id = wanted.declared.logical_id
        context = as_json(self._after(wanted))
        self.changes.append(
            PlannedChange(Action.ADD, logical_id, wanted.declared.type, after_context=context)
        )
        if logical_id in self.nested:
            attributes = self.nested[logical_id]
            self._known[logical_id] = ResourceValues(Unknown(logical_id), attributes)

    def _change(self, wanted: "_Wanted", deployed: DeployedResource) -> bool:
        """Plan the change of a resource that is there; return whether there is one."""
        declared, refers = wanted.declared, wanted.refers
        present = self._present.policies(declared.logical_id)
        found = differences(
            declared, deployed, wanted.properties, wanted.metadata,
            before=present, after=wanted.policies,
            stack_tags_changed=dict(self.current.tags) != dict(self.desired.tags),
        )  # fmt: skip
        changing = self._details.of_changing_references(declared, refers)
        if declared.type == NESTED_STACK:
            changing.append(AUTOMATIC)
        undone = self._undone(wanted, deployed, found)
        if not found and not undone and not changing:
            return False
        values = Values(self._before(deployed, present), self._after(wanted))
        details = [
            detail
            for difference in found
            for detail in self._details.of(declared.logical_id, difference, refers, values)
        ]
        details += [
            dataclasses.replace(detail, before_value=None)  # nobody knows how far it came
            for difference in undone
            for detail in self._details.of(declared.logical_id, difference, refers, values)
        ]
        self._modify(declared, deployed, details + changing, values)
        return True

    def _undone(
        self, wanted: "_Wanted", deployed: DeployedResource, found: Sequence[Difference]
    ) -> list[Difference]:
        """Return what differs beside `found` where updates failed: some of them may be there."""
        if not deployed.attempts:
            return []
        tags = self.desired.tags
        there = attempts.standing(deployed.properties, deployed.attempts, wanted.properties)
        may_differ = differences(
            wanted.declared, msgspec.structs.replace(deployed, properties=there),
            wanted.properties, wanted.metadata,
            stack_tags_changed=any(dict(each.tags) != dict(tags) for each in deployed.attempts),
        )  # fmt: skip
        known = {(each.attribute, each.place) for each in found}
        return [each for each in may_differ if (each.attribute, each.place) not in known]

    def _remember(self, deployed: DeployedResource, *, changes: bool) -> None:
        """Keep what those that come after may know of a resource that is there."""
        logical_id, known = deployed.logical_resource_id, deployed.values
        if logical_id in self.nested:
            known = dataclasses.replace(known, attributes=self.nested[logical_id])
            self._known[logical_id] = self._certain[logical_id] = known
        elif not self._details.is_replaced(logical_id):
            if changes:  # a custom resource may be answered with other attributes
                known = dataclasses.replace(known, changing=known.source is not None)
            self._known[logical_id] = known
            certain = dataclasses.replace(known, attributes=None) if changes else known
            self._certain[logical_id] = certain

    def _after(self, wanted: "_Wanted") -> dict[str, Any]:
        """Return what may be shown of a resource as it shall be."""
        shown = self._shown(wanted.declared, wanted.properties, wanted.refers)
        others = _others(wanted.declared, wanted.metadata, wanted.policies)
        return self._details.shown(wanted.declared.logical_id, shown, others, deployed=False)

    def _before(self, deployed: DeployedResource, policies: Policies) -> dict[str, Any]:
        """Return what may be shown of a resource as it is deployed."""
        others = _others(deployed, deployed.metadata, policies)
        return self._details.shown(
            deployed.logical_resource_id, deployed.properties, others, deployed=True
        )

    def _shown(
        self,
        declared: ResourceDeclaration,
        properties: Mapping[str, Any],
        refers: Sequence[Reference],
    ) -> Mapping[str, Any]:
        """Return the properties as far as they are certain: what comes from an attribute of a
        resource that changes in place is known after that change only."""
        if not any(each.kind == "Attribute" and self._may_change(each.name) for each in refers):
            return properties
        return evaluate.properties(self._certain_scope, declared.logical_id)

    def _may_change(self, logical_id: str) -> bool:
        values = self._certain.get(logical_id)
        return values is not None and values.attributes is None

    def remove_the_rest(self) -> None:
        """Plan the removal of what is deployed and no longer wanted."""
        for logical_id, deployed in sorted(self.current.resources.items()):
            if logical_id in self.active or deployed.status == "DELETE_COMPLETE":
                continue
            before = self._before(deployed, self._present.policies(logical_id))
            self.changes.append(
                PlannedChange(
                    Action.REMOVE,
                    logical_id,
                    deployed.resource_type,
                    deployed.physical_resource_id,
                    policy_action=deletion_policy.after_deletion(deployed),
                    before_context=as_json(before),
                )
            )

    def outputs(self) -> tuple[bool, list[str]]:
        """Return whether outputs change, and warnings of those that cannot be evaluated yet."""
        try:
            found = evaluate.outputs(self._scope)
        except MissingExport as error:
            return True, [_warning("Outputs", error.message)]
        self.own_outputs = {each.name: each.value for each in found}
        outside = {each.name for each in found if dynamic_references.dynamic_references(each.value)}
        wanted = {each.name: canonical(each.value) for each in found if each.name not in outside}
        now = {
            name: canonical(value)
            for name, value in self.current.outputs.items()
            if name not in outside
        }
        return wanted != now or found != self._present.outputs(), []

    def _validate(
        self,
        declared: ResourceDeclaration,
        properties: Mapping[str, Any],
        refers: Sequence[Reference],
    ) -> None:
        schema = resource_schema.schema(declared.type)
        wrong: Sequence[str] = ()
        if schema is not None:
            ours = made_up.places(refers, self.current.resources)
            wrong = property_rules.problems(schema, properties, ours, early=True)
        if wrong:
            self.invalid[declared.logical_id] = wrong
        elif declared.type in self.honoured:
            honoured = self.honoured[declared.type]
            unsupported.check_properties(declared.logical_id, declared.type, properties, honoured)

    def _modify(
        self,
        declared: ResourceDeclaration,
        deployed: DeployedResource,
        details: Sequence[Detail],
        values: Values,
    ) -> None:
        replacement = replacement_of(details)
        if declared.logical_id not in self.nested:
            self._details.note(declared.logical_id, replacement)
        action = None
        if replacement is Replacement.TRUE:
            kept = deletion_policy.after_replacement(declared.update_replace_policy)
            action = f"ReplaceAnd{kept}"
        self.changes.append(
            PlannedChange(
                Action.MODIFY,
                declared.logical_id,
                declared.type,
                deployed.physical_resource_id,
                replacement,
                action,
                scope=tuple(sorted({each.attribute for each in details})),
                details=tuple(details),
                before_context=as_json(values.before),
                after_context=as_json(values.after),
            )
        )

    def _plan_without_values(
        self,
        declared: ResourceDeclaration,
        deployed: DeployedResource | None,
        refers: Sequence[Reference],
        reason: str,
    ) -> None:
        """Plan a resource that imports what no stack exports: AWS warns, the execution fails."""
        self.warnings.append(_warning(declared.logical_id, reason))
        if deployed is None:
            self.changes.append(PlannedChange(Action.ADD, declared.logical_id, declared.type))
            return
        details = self._details.of_imports(declared, refers)
        before = self._before(deployed, self._present.policies(declared.logical_id))
        self._modify(declared, deployed, details, Values(before, {"Properties": {}}))
        if not self._details.is_replaced(declared.logical_id):
            self._known[declared.logical_id] = deployed.values


def _others(
    resource: ResourceDeclaration | DeployedResource,
    metadata: Mapping[str, Any],
    policies: Policies,
) -> dict[str, Any]:
    """Return what a context has beside Properties (recorded: Metadata and both policies)."""
    return {
        "Metadata": metadata,
        "CreationPolicy": policies.creation_policy,
        "UpdatePolicy": policies.update_policy,
        "DeletionPolicy": resource.deletion_policy,
        "UpdateReplacePolicy": resource.update_replace_policy,
    }


def _warning(logical_id: str, reason: str) -> str:
    return (
        "[WARN] --include-property-values option can return incomplete ChangeSet data because: "
        f"ChangeSet creation failed for resource [{logical_id}] because: {reason}"
    )
