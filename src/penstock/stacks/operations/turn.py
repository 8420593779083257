"""What becomes of a resource at its turn: its properties evaluated, compared with what stands.

Pure. Everything it depends on has succeeded by then, so nothing is Unknown any more.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.display import Secrets, all_masked, secrets_of
from penstock.stacks.handlers.handler import Support
from penstock.stacks.operations import update_rules
from penstock.stacks.operations.operation import Operation, OutputValue, Step, Work
from penstock.stacks.operations.walk import NodeStatus
from penstock.stacks.planning import made_up
from penstock.stacks.planning.differences import Difference, differences, is_custom
from penstock.stacks.planning.imports import Imports
from penstock.stacks.planning.nesting import NESTED_STACK
from penstock.stacks.planning.plan import Plan
from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.policies import creation_policy, stack_policy
from penstock.stacks.policies.creation_policy import SignalsWanted
from penstock.stacks.policies.stack_policy import UpdateAction
from penstock.stacks.schemas import custom_names, identity, property_rules, resource_schema
from penstock.stacks.state import DeployedResource
from penstock.stacks.template import dynamic_references, evaluate, written_references
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.evaluate import ResourceValues, Scope
from penstock.stacks.template.references import references
from penstock.stacks.template.scope import OtherStack
from penstock.stacks.template.template import ParameterValue, ResourceDeclaration, Template

MASK = "****"
_UNDONE = frozenset({"CREATE_FAILED", "CREATE_IN_PROGRESS"})
_UNCERTAIN = frozenset({"UPDATE_FAILED", "UPDATE_IN_PROGRESS"})
_NONE: Mapping[str, Any] = {}
_NO_CALL = frozenset({"Metadata", "DeletionPolicy", "UpdateReplacePolicy"})


@dataclass(frozen=True, slots=True)
class _Evaluated:
    """A resource's properties, and what they were evaluated from."""

    properties: dict[str, Any]
    known: bool
    """Whether nothing in them is Unknown."""
    asked: Mapping[str, DeployedResource | None]
    """The resources that were asked for, as they were then."""
    imports: Collection[str]
    length: int
    """Of the values of its functions."""

    def holds(self, deployed: Mapping[str, DeployedResource]) -> bool:
        """Tell whether the same would come of it again."""
        return all(deployed.get(name) is each for name, each in self.asked.items())


@dataclass(frozen=True, slots=True)
class _Hiding:
    """What masks secrets, as long as the same resources are secret as a whole."""

    resources: Mapping[str, Mapping[str, Any]]
    """Their attributes, by name."""
    parameters: Mapping[str, ParameterValue]
    """Those of the plan, the secret ones masked."""
    places: SecretPlaces
    secrets: Secrets
    nothing: bool
    """Whether there is no secret at all."""
    shown: dict[str, _Evaluated] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """What the resources of one operation are evaluated with."""

    operation: Operation
    plan: Plan
    template: Template
    exports: Mapping[str, str]
    deployed: Mapping[str, DeployedResource]
    other_stacks: dict[str, OtherStack] = field(default_factory=dict)
    """Filled with what Fn::GetStackOutput names, before that is evaluated."""
    _memory: dict[str, _Evaluated] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _hiding: list[_Hiding] = field(default_factory=list, init=False, repr=False, compare=False)
    """The last one only, if there was any."""
    _answered: list[str] = field(init=False, repr=False, compare=False)
    """The resources that may be secret as a whole: those that somebody answers for."""

    def __post_init__(self) -> None:
        declared = {name: each.type for name, each in self.template.resources.items()}
        before = {name: each.resource_type for name, each in self.deployed.items()}
        answered = [name for name, kind in {**before, **declared}.items() if is_custom(kind)]
        object.__setattr__(self, "_answered", answered)

    def scope(self, parameters: Mapping[str, ParameterValue] | None = None) -> Scope:
        """Return the scope of the template's functions; `parameters` replace the plan's."""
        chosen = self.plan.parameters if parameters is None else parameters
        return self._scope(chosen, _Values(self.deployed), self.exports)

    def _scope(
        self,
        parameters: Mapping[str, ParameterValue],
        resources: Mapping[str, ResourceValues],
        exports: Mapping[str, str],
    ) -> Scope:
        before = self.operation.before
        return Scope(
            template=self.template,
            parameters=parameters,
            region=before.region,
            account_id=before.account_id,
            stack_id=before.stack_id,
            stack_name=before.stack_name,
            notification_arns=tuple(self.plan.notification_arns),
            exports=exports,
            other_stacks=self.other_stacks,
            resources=resources,
        )

    def properties(self, name: str) -> dict[str, Any]:
        """Return a resource's evaluated properties. Raises ServiceError."""
        return self._once(self._memory, name, self.plan.parameters, None).properties

    def _once(
        self,
        memory: dict[str, _Evaluated],
        name: str,
        parameters: Mapping[str, ParameterValue],
        places: SecretPlaces | None,
    ) -> _Evaluated:
        """Return a resource evaluated, once for as long as what it refers to stays as it is."""
        found = memory.get(name)
        if found is None or not found.holds(self.deployed):
            used, values = Imports(self.exports), _Values(self.deployed, places)
            scope = self._scope(parameters, values, used)
            properties = evaluate.properties(scope, name)
            known = not evaluate.contains_unknown(properties)
            length = scope.lengths.without_conditions
            found = memory[name] = _Evaluated(properties, known, values.asked, used.used, length)
        return found

    def imports(self) -> frozenset[str]:
        """Return the exports of other stacks that the template uses, as far as it can be told yet.

        Raises ServiceError for an export that does not exist, and for what no resource will change.
        """
        used = Imports(self.exports)
        scope = self._scope(self.plan.parameters, {}, used)
        for name in evaluate.active_resources(scope):
            evaluate.properties(scope, name)
        return frozenset(used.used)

    def results(self) -> tuple[list[OutputValue], frozenset[str]]:
        """Return the outputs, and the exports of other stacks that the whole template uses.

        Raises ServiceError for an output that cannot be evaluated.
        """
        used = Imports(self.exports)
        scope = self._scope(self.plan.parameters, _Values(self.deployed), used)
        for name in evaluate.active_resources(scope):
            found = self._once(self._memory, name, self.plan.parameters, None)
            used.used.update(found.imports)
            scope.lengths.count(name, found.length)
        outputs = [
            OutputValue(
                one.name, str(one.value), one.description,
                None if one.export_name is None else str(one.export_name),
            )
            for one in evaluate.outputs(scope)
        ]  # fmt: skip
        return outputs, frozenset(used.used)

    def decide(self, step: Step, support: str) -> Step:
        """Return the step with its work decided and `new` evaluated; FAILED where it cannot be."""
        declared = self.template.resources[step.logical_id]
        scope = self.scope()
        old = step.old if step.old is not None and step.old.status not in _UNDONE else None
        try:
            new = _declared(declared, step, support, old, *self._evaluated(scope, declared))
        except ServiceError as error:
            return self._refused(step, _declared(declared, step, support, old), old, error.message)
        work, conditional, another = Work.CREATE, False, False
        if old is not None:
            changed = differences(
                declared, old, new.properties, new.metadata,
                stack_tags_changed=dict(self.operation.before.tags) != dict(self.plan.tags),
            )  # fmt: skip
            conditional = support == Support.RECORDED and _only_conditional(changed)
            another = conditional and identity.is_another(
                declared.type, old.properties, new.properties
            )
            work = Work.REPLACE if another else self._change(declared, old, changed)
            if (changed or old.attempts) and (denied := self._denied(work, old)):
                refused = self._refused(step, new, old, denied)
                return dataclasses.replace(refused, work=Work.DENIED)
        try:
            if old is not None and work is Work.REPLACE and not another:
                _check_name(declared, old, new)
            if work is not Work.NOTHING:
                self._check_properties(scope, declared, new.properties)
            signals = self._signals(scope, declared, work, old, new.properties)
        except ServiceError as error:
            return self._refused(step, new, old, error.message)
        physical_id = old.physical_resource_id if old and work is Work.UPDATE else None
        return dataclasses.replace(
            step, work=work, status=NodeStatus.RUNNING, old=old, new=new, physical_id=physical_id,
            signals=signals, conditional=conditional,
        )  # fmt: skip

    def _evaluated(
        self, scope: Scope, declared: ResourceDeclaration
    ) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
        """Return a resource's properties, its Metadata, and what is unwritten in the properties.
        Raises ServiceError."""
        name = declared.logical_id
        properties = self.properties(name)
        metadata = evaluate.metadata(scope, name)
        dynamic_references.check_places(declared.type, properties)
        unwritten = written_references.unwritten(scope, name, properties)
        if unwritten and declared.type == NESTED_STACK:
            raise written_references.handed_on(unwritten)
        return properties, metadata, unwritten

    def _check_properties(
        self, scope: Scope, declared: ResourceDeclaration, properties: Mapping[str, Any]
    ) -> None:
        """Raise ServiceError for what the type's schema has against the properties."""
        schema = resource_schema.schema(declared.type)
        if schema is None or not property_rules.problems(schema, properties):
            return
        conditions = evaluate.conditions(scope)
        refers = references(self.template, declared.logical_id, conditions, scope)
        ours = made_up.places(refers, self.deployed)
        wrong = property_rules.problems(schema, properties, ours)
        if wrong:
            raise invalid(property_rules.failure(declared.logical_id, wrong))

    def _signals(
        self,
        scope: Scope,
        declared: ResourceDeclaration,
        work: Work,
        old: DeployedResource | None,
        properties: Mapping[str, Any],
    ) -> SignalsWanted | None:
        """Return what the resource waits for; ServiceError for an update that is not made."""
        if work in {Work.CREATE, Work.REPLACE}:
            policy = evaluate.evaluated(scope, declared.creation_policy)
            wanted = creation_policy.on_creation(declared.type, policy)
            missing = creation_policy.missing_properties(declared.type, wanted, properties)
            if missing:
                raise invalid(property_rules.failure(declared.logical_id, missing))
            return wanted
        if work is not Work.UPDATE or old is None:
            return None
        refusal = update_rules.refusal(declared.type, old.properties, properties)
        if refusal is not None:
            raise invalid(refusal)
        policy = evaluate.evaluated(scope, declared.update_policy)
        return creation_policy.on_update(declared.type, policy, old.properties, properties)

    def _change(
        self, declared: ResourceDeclaration, old: DeployedResource, changed: Sequence[Difference]
    ) -> Work:
        recreations = {each.requires_recreation for each in changed}
        if "Always" in recreations:
            return Work.REPLACE
        if "Conditionally" in recreations and any(
            each.logical_resource_id == declared.logical_id and each.replacement == "True"
            for each in self.plan.changes
        ):
            return Work.REPLACE
        if any(each.attribute not in _NO_CALL for each in changed) or old.status in _UNCERTAIN:
            return Work.UPDATE
        if declared.type == NESTED_STACK:
            return Work.UPDATE  # its template may have changed where it is
        return Work.NOTHING

    def _denied(self, work: Work, old: DeployedResource) -> str | None:
        """Return why the stack's policy refuses the change of a resource that is there."""
        return stack_policy.refusal(
            self.operation.stack_policy,
            UpdateAction.REPLACE if work is Work.REPLACE else UpdateAction.MODIFY,
            old.logical_resource_id,
            old.resource_type,
        )

    def _refused(
        self, step: Step, new: DeployedResource, old: DeployedResource | None, reason: str
    ) -> Step:
        return dataclasses.replace(step, status=NodeStatus.FAILED, old=old, new=new, reason=reason)

    def shown(self, name: str) -> dict[str, Any] | None:
        """Return a resource's properties as events may show them: NoEcho values masked, and what is
        built from them; also a value that another resource hands on as its attribute.

        Nobody changes a value of what is returned: it may be the resource's own.
        """
        hiding = self._present_hiding()
        if hiding.nothing:
            try:
                own = self._once(self._memory, name, self.plan.parameters, None)
            except ServiceError:
                return None
            return own.properties if own.known else None
        known = hiding.shown.get(name)
        try:
            found = self._once(hiding.shown, name, hiding.parameters, hiding.places)
        except ServiceError:
            return None
        if not found.known:
            return None
        if found is not known:
            masked: dict[str, Any] = hiding.secrets.masked(found.properties)
            hiding.shown[name] = found = dataclasses.replace(found, properties=masked)
        return found.properties

    def _present_hiding(self) -> _Hiding:
        """Return what masks secrets, made anew when another resource is secret as a whole."""
        secret = {
            name: each.attributes
            for name in self._answered
            if (each := self.deployed.get(name)) is not None and each.no_echo
        }
        if not self._hiding or self._hiding[0].resources != secret:
            parameters = {
                key: dataclasses.replace(value, value=MASK, resolved=None)
                if value.no_echo
                else value
                for key, value in self.plan.parameters.items()
            }
            scope = self.scope()
            conditions = evaluate.conditions(scope)
            places = SecretPlaces(
                self.template, self.plan.parameters, conditions, frozenset(secret), scope
            )
            secrets = secrets_of(
                self.operation.before.parameters,
                self.plan.parameters,
                resources=[self.deployed[name] for name in secret],
            )
            nothing = not secret and not secrets.values and parameters == self.plan.parameters
            self._hiding[:] = [_Hiding(secret, parameters, places, secrets, nothing)]
        return self._hiding[0]


class _Values(Mapping[str, ResourceValues]):
    """What deployed resources give, made when one is asked for: a stack may have hundreds."""

    def __init__(
        self, deployed: Mapping[str, DeployedResource], hidden: SecretPlaces | None = None
    ) -> None:
        """`hidden` are places of which attributes are masked."""
        self.asked: dict[str, DeployedResource | None] = {}
        self._deployed = deployed
        self._hidden = hidden

    def __getitem__(self, name: str) -> ResourceValues:
        found = self.asked[name] = self._deployed.get(name)
        if found is None:
            raise KeyError(name)
        values = found.values
        if self._hidden is None or values.attributes is None:
            return values
        secret = self._hidden.attributes(name)
        attributes = {
            key: all_masked(value) if found.no_echo or key.partition(".")[0] in secret else value
            for key, value in values.attributes.items()
        }
        return dataclasses.replace(values, attributes=attributes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._deployed)

    def __len__(self) -> int:
        return len(self._deployed)


def _declared(
    declared: ResourceDeclaration,
    step: Step,
    support: str,
    old: DeployedResource | None,
    properties: Mapping[str, Any] = _NONE,
    metadata: Mapping[str, Any] = _NONE,
    unwritten: Sequence[str] = (),
) -> DeployedResource:
    """Return what is to be made of a resource; without `properties`, before any is evaluated."""
    return DeployedResource(
        logical_resource_id=declared.logical_id,
        resource_type=declared.type,
        physical_resource_id=old.physical_resource_id if old else "",
        status="",
        properties=properties,
        attributes=old.attributes if old else {},
        support=support,
        ref=old.ref if old else None,
        depends_on=tuple(step.after),
        deletion_policy=declared.deletion_policy,
        update_replace_policy=declared.update_replace_policy,
        metadata=metadata,
        unwritten=unwritten,
    )


def _check_name(
    declared: ResourceDeclaration, old: DeployedResource, new: DeployedResource
) -> None:
    """Raise AWS's refusal of a replacement that would have the name of what it replaces."""
    refusal = custom_names.refusal_to_replace(declared.type, old.properties, new.properties)
    if refusal is not None:
        raise invalid(refusal)


def _only_conditional(changed: Sequence[Difference]) -> bool:
    """Return whether AWS tells at the execution alone if the changes need a replacement."""
    recreations = {each.requires_recreation for each in changed}
    return "Conditionally" in recreations and "Always" not in recreations
