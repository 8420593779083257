"""Decides what an operation on a stack changes: from the stack as it stands and what is wanted.

The facts that AWS was recorded answering are in tests/unit/stacks/planning/test_planner.py. One
walk in order of dependencies: a resource's properties are evaluated with what is known of those
before it, and compared with what is deployed. What a replaced or new resource will answer is
Unknown, and so is all that is built from it; an attribute of a resource changed in place may
change, so its dependants are planned as Dynamic.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.display import as_json, canonical
from penstock.stacks.planning import made_up, unsupported
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.details import Details, Values
from penstock.stacks.planning.differences import Policies, differences
from penstock.stacks.planning.imports import Imports
from penstock.stacks.planning.nesting import AUTOMATIC, NESTED_STACK, NestedPlanning
from penstock.stacks.planning.plan import (
    Action,
    Detail,
    Plan,
    PlannedChange,
    Replacement,
    replacement_of,
)
from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.schemas import property_rules, resource_schema
from penstock.stacks.state import DeployedResource, StackState
from penstock.stacks.template import dynamic_references, evaluate, graph
from penstock.stacks.template.errors import MissingExport
from penstock.stacks.template.evaluate import ResourceValues, Unknown
from penstock.stacks.template.load import stored_template
from penstock.stacks.template.references import Reference, references
from penstock.stacks.template.template import ResourceDeclaration

_NOT_THERE = frozenset({"CREATE_FAILED", "DELETE_COMPLETE"})
_SNAPSHOT_BY_DEFAULT = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"})


def plan(
    current: StackState,
    desired: Desired,
    honoured: Mapping[str, Collection[str]] = MappingProxyType({}),
    nested: NestedPlanning | None = None,
) -> Plan:
    """Return everything that bringing `current` to `desired` changes, in a stable order.

    `honoured` has the properties of each type that ignores none: others of its are refused.
    `nested` is told of nested stacks that are planned for themselves, and tells what of them.
    Raises ServiceError ValidationError where AWS refuses the whole: a resource that changes its
    type, a reference or function that cannot be evaluated.
    """
    planning = _Planning(current, desired, honoured, nested or NestedPlanning())
    _check_types(planning)
    for logical_id in planning.order():
        planning.visit(logical_id)
    if planning.misplaced:
        raise dynamic_references.refused_places(planning.misplaced)
    planning.remove_the_rest()
    outputs_changed, warnings = planning.outputs()
    return Plan(
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


@dataclass
class _Planning:
    """One walk over the wanted resources, and what it found so far."""

    current: StackState
    desired: Desired
    honoured: Mapping[str, Collection[str]]
    nested: NestedPlanning
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
        self._details = Details(
            current,
            desired,
            self._secret_places(),
            SecretPlaces(
                desired.template,
                desired.parameters,
                self.conditions,
                _secret_resources(current),
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

    def visit(self, logical_id: str) -> None:
        """Plan one resource: Add, Modify or nothing."""
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
        policies = _policies(self._certain_scope, declared)

        if declared.type == NESTED_STACK:
            self.nested.properties[logical_id] = properties

        def after() -> dict[str, Any]:
            shown = self._shown(declared, properties, refers)
            others = _others(declared, metadata, policies)
            return self._details.shown(logical_id, shown, others, deployed=False)

        if deployed is None:
            context = as_json(after())
            self.changes.append(
                PlannedChange(Action.ADD, logical_id, declared.type, after_context=context)
            )
            if logical_id in self.nested.attributes:
                attributes = self.nested.attributes[logical_id]
                self._known[logical_id] = ResourceValues(Unknown(logical_id), attributes)
            return
        present = self._present_policies(logical_id)
        found = differences(
            declared, deployed, properties, metadata, before=present, after=policies,
            stack_tags_changed=dict(self.current.tags) != dict(self.desired.tags),
        )  # fmt: skip
        changing = self._details.of_changing_references(declared, refers)
        if declared.type == NESTED_STACK:
            changing.append(AUTOMATIC)
        if found or changing:
            values = Values(self._before(deployed, present), after())
            details = [
                detail
                for difference in found
                for detail in self._details.of(logical_id, difference, refers, values)
            ]
            self._modify(declared, deployed, details + changing, values)
        if logical_id in self.nested.attributes:
            known = _values(deployed)
            known = dataclasses.replace(known, attributes=self.nested.attributes[logical_id])
            self._known[logical_id] = self._certain[logical_id] = known
        elif not self._details.is_replaced(logical_id):
            known = _values(deployed)
            if found or changing:  # a custom resource may be answered with other attributes
                known = dataclasses.replace(known, changing=known.source is not None)
            self._known[logical_id] = known
            self._certain[logical_id] = (
                dataclasses.replace(known, attributes=None) if found or changing else known
            )

    def _before(self, deployed: DeployedResource, policies: Policies) -> dict[str, Any]:
        """Return what may be shown of a resource as it is deployed."""
        others = _others(deployed, deployed.metadata, policies)
        return self._details.shown(
            deployed.logical_resource_id, deployed.properties, others, deployed=True
        )

    def _present_policies(self, logical_id: str) -> Policies:
        """Return the policies that the deployed template gives a resource."""
        present = self._present
        declared = present.template.resources.get(logical_id) if present else None
        if present is None or declared is None:
            return Policies()
        try:
            return _policies(present, declared)
        except ServiceError:  # a resource or an export that was there is gone
            return Policies()

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
            before = self._before(deployed, self._present_policies(logical_id))
            self.changes.append(
                PlannedChange(
                    Action.REMOVE,
                    logical_id,
                    deployed.resource_type,
                    deployed.physical_resource_id,
                    policy_action=_policy(deployed.deletion_policy, deployed),
                    before_context=as_json(before),
                )
            )

    def outputs(self) -> tuple[bool, list[str]]:
        """Return whether outputs change, and warnings of those that cannot be evaluated yet."""
        try:
            found = evaluate.outputs(self._scope)
        except MissingExport as error:
            return True, [_warning("Outputs", error.message)]
        self.nested.outputs = {each.name: each.value for each in found}
        outside = {each.name for each in found if dynamic_references.dynamic_references(each.value)}
        wanted = {each.name: canonical(each.value) for each in found if each.name not in outside}
        now = {
            name: canonical(value)
            for name, value in self.current.outputs.items()
            if name not in outside
        }
        return wanted != now or found != self._present_outputs(), []

    def _present_outputs(self) -> list[evaluate.Output] | None:
        """Return the outputs as the deployed template gives them; None when it gives none."""
        if self._present is None:
            return None
        try:
            return evaluate.outputs(self._present)
        except ServiceError:  # a resource or an export that was there is gone
            return None

    def _secret_places(self) -> SecretPlaces | None:
        """Return where secrets are in what is deployed; None when nothing is."""
        if self._present is None:
            return None
        template = self._present.template
        try:
            conditions = evaluate.conditions(self._present)
        except ServiceError:  # a template of another version of ours
            conditions = {}
        secret = _secret_resources(self.current)
        return SecretPlaces(template, self.current.parameters, conditions, secret, self._present)

    @cached_property
    def _present(self) -> evaluate.Scope | None:
        """What the deployed template was evaluated with; None when none is deployed."""
        current = self.current
        if not current.template_body:
            return None
        return dataclasses.replace(
            self._scope,
            template=stored_template(current.template_body),
            parameters=current.parameters,
            exports=self.desired.exports,
            notification_arns=tuple(current.notification_arns),
            resources={name: _values(each) for name, each in current.resources.items()},
        )

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
        if declared.logical_id not in self.nested.attributes:
            self._details.note(declared.logical_id, replacement)
        action = None
        if replacement is Replacement.TRUE:
            kept = _policy(declared.update_replace_policy, deployed, declared="UpdateReplacePolicy")
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
        before = self._before(deployed, self._present_policies(declared.logical_id))
        self._modify(declared, deployed, details, Values(before, {"Properties": {}}))
        if not self._details.is_replaced(declared.logical_id):
            self._known[declared.logical_id] = _values(deployed)


def _policies(scope: evaluate.Scope, declared: ResourceDeclaration) -> Policies:
    """Return CreationPolicy and UpdatePolicy, evaluated."""
    if declared.creation_policy is None and declared.update_policy is None:
        return Policies()
    return Policies(
        evaluate.evaluated(scope, declared.creation_policy),
        evaluate.evaluated(scope, declared.update_policy),
    )


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


def _values(deployed: DeployedResource) -> ResourceValues:
    ref = deployed.physical_resource_id if deployed.ref is None else deployed.ref
    return ResourceValues(ref=ref, attributes=deployed.attributes, source=deployed.source)


def _secret_resources(current: StackState) -> list[str]:
    return [name for name, each in current.resources.items() if each.no_echo]


def _policy(
    stated: str | None, deployed: DeployedResource, declared: str = "DeletionPolicy"
) -> str:
    """Return what becomes of the physical resource: Delete, Retain or Snapshot."""
    if stated == "RetainExceptOnCreate":
        return "Retain"
    if stated is None and declared == "DeletionPolicy":
        alone = not deployed.properties.get("DBClusterIdentifier")
        if deployed.resource_type in _SNAPSHOT_BY_DEFAULT and (
            alone or deployed.resource_type.endswith("DBCluster")
        ):
            return "Snapshot"
    return stated or "Delete"


def _warning(logical_id: str, reason: str) -> str:
    return (
        "[WARN] --include-property-values option can return incomplete ChangeSet data because: "
        f"ChangeSet creation failed for resource [{logical_id}] because: {reason}"
    )
