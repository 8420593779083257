"""What becomes of a resource at its turn: its properties evaluated, compared with what stands.

Pure. Everything it depends on has succeeded by then, so nothing is Unknown any more.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock.aws.errors import ServiceError
from penstock.stacks.display import Secrets, secrets_of
from penstock.stacks.handlers.handler import Support
from penstock.stacks.operations import update_rules
from penstock.stacks.operations.evaluation import Evaluated, Evaluation, Values
from penstock.stacks.operations.operation import Operation, OutputValue, Step, Work
from penstock.stacks.operations.walk import NodeStatus
from penstock.stacks.planning import made_up
from penstock.stacks.planning.differences import Difference, differences
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
from penstock.stacks.template.evaluate import Scope
from penstock.stacks.template.references import references
from penstock.stacks.template.scope import OtherStack
from penstock.stacks.template.template import ParameterValue, ResourceDeclaration, Template

MASK = "****"
_UNDONE = frozenset({"CREATE_FAILED", "CREATE_IN_PROGRESS"})
_UNCERTAIN = frozenset({"UPDATE_FAILED", "UPDATE_IN_PROGRESS"})
_ELSEWHERE = frozenset({"Import", "StackOutput"})
_NONE: Mapping[str, Any] = {}
_NO_CALL = frozenset({"Metadata", "DeletionPolicy", "UpdateReplacePolicy"})


@dataclass(frozen=True, slots=True)
class _Hiding:
    """What masks secrets, as long as the same resources are secret as a whole."""

    resources: Mapping[str, Mapping[str, Any]]
    """Their attributes, by name."""
    secrets: Secrets
    evaluation: Evaluation | None
    """With the secrets masked; None where there is no secret at all."""
    shown: dict[str, tuple[Evaluated, dict[str, Any]]] = field(default_factory=dict)
    """What was evaluated so far, and what may be shown of it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the resources of one operation are evaluated with."""

    operation: Operation
    plan: Plan
    template: Template
    exports: Mapping[str, str]
    deployed: Mapping[str, DeployedResource]
    secret: Collection[str]
    """Of those, the ones that are secret as a whole."""
    other_stacks: dict[str, OtherStack] = field(default_factory=dict)
    """Filled with what Fn::GetStackOutput names, before that is evaluated."""
    _own: Evaluation = field(init=False, repr=False, compare=False)
    _hiding: list[_Hiding] = field(default_factory=list, init=False, repr=False, compare=False)
    """The last one only, if there was any."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_own", Evaluation(self.scope(), self.deployed, None))

    def scope(self, parameters: Mapping[str, ParameterValue] | None = None) -> Scope:
        """Return the scope of the template's functions; `parameters` replace the plan's."""
        before = self.operation.before
        return Scope(
            template=self.template,
            parameters=self.plan.parameters if parameters is None else parameters,
            region=before.region,
            account_id=before.account_id,
            stack_id=before.stack_id,
            stack_name=before.stack_name,
            notification_arns=tuple(self.plan.notification_arns),
            exports=self.exports,
            other_stacks=self.other_stacks,
            resources=Values(self.deployed),
        )

    def properties(self, name: str) -> dict[str, Any]:
        """Return a resource's evaluated properties. Raises ServiceError."""
        return self._own.of(name).properties

    def imports(self) -> frozenset[str]:
        """Return the exports of other stacks that the template uses, as far as it can be told yet.

        Raises ServiceError for an export that does not exist, and for what no resource will change.
        """
        used = Imports(self.exports)
        scope = dataclasses.replace(self.scope(), exports=used, resources={})
        active, conditions = evaluate.active_resources(scope), evaluate.conditions(scope)
        # A plan was made with all else that is known, but the parameters of a nested stack that its
        # parent gives.
        if self.operation.parent is None and not _reads_elsewhere(
            self.template, active, conditions
        ):
            return frozenset()
        for name in active:
            evaluate.properties(scope, name)
        return frozenset(used.used)

    def results(self) -> tuple[list[OutputValue], frozenset[str]]:
        """Return the outputs, and the exports of other stacks that the whole template uses.

        Raises ServiceError for an output that cannot be evaluated.
        """
        used = Imports(self.exports)
        scope = dataclasses.replace(self.scope(), exports=used)
        for name in evaluate.active_resources(scope):
            found = self._own.of(name)
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
        declared, scope = self.template.resources[step.logical_id], self._own.scope
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
                return msgspec.structs.replace(refused, work=Work.DENIED)
        try:
            if old is not None and work is Work.REPLACE and not another:
                _check_name(declared, old, new)
            if work is not Work.NOTHING:
                self._check_properties(scope, declared, new.properties)
            signals = self._signals(scope, declared, work, old, new.properties)
        except ServiceError as error:
            return self._refused(step, new, old, error.message)
        physical_id = old.physical_resource_id if old and work is Work.UPDATE else None
        return msgspec.structs.replace(
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
        return msgspec.structs.replace(
            step, status=NodeStatus.FAILED, old=old, new=new, reason=reason
        )

    def shown(self, name: str) -> dict[str, Any] | None:
        """Return a resource's properties as events may show them: NoEcho values masked, and what is
        built from them; also a value that another resource hands on as its attribute.

        Nobody changes a value of what is returned: it may be the resource's own.
        """
        hiding = self._present_hiding()
        try:
            found = (hiding.evaluation or self._own).of(name)
        except ServiceError:
            return None
        if not found.known:
            return None
        if hiding.evaluation is None:
            return found.properties
        known, masked = hiding.shown.get(name, (None, {}))
        if known is not found:
            masked = hiding.secrets.masked(found.properties)
            hiding.shown[name] = found, masked
        return masked

    def _present_hiding(self) -> _Hiding:
        """Return what masks secrets, made anew when another resource is secret as a whole."""
        secret = {name: self.deployed[name].attributes for name in self.secret}
        if not self._hiding or self._hiding[0].resources != secret:
            secrets = secrets_of(
                self.operation.before.parameters,
                self.plan.parameters,
                resources=[self.deployed[name] for name in secret],
            )
            given = self.plan.parameters.values()
            anything = secret or secrets.values or any(each.no_echo for each in given)
            evaluation = self._masking(secret) if anything else None
            self._hiding[:] = [_Hiding(secret, secrets, evaluation)]
        return self._hiding[0]

    def _masking(self, secret: Collection[str]) -> Evaluation:
        """Return what evaluates with secrets masked; `secret` are resources that are as a whole."""
        masked = {
            key: dataclasses.replace(value, value=MASK, resolved=None) if value.no_echo else value
            for key, value in self.plan.parameters.items()
        }
        scope = self.scope()
        conditions = evaluate.conditions(scope)
        places = SecretPlaces(self.template, self.plan.parameters, conditions, secret, scope)
        return Evaluation(self.scope(masked), self.deployed, places)


def _declared(
    declared: ResourceDeclaration,
    step: Step,
    support: str,
    old: DeployedResource | None,
    properties: Mapping[str, Any] = _NONE,
    metadata: Mapping[str, Any] = _NONE,
    unwritten: tuple[str, ...] = (),
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
        no_echo=old.no_echo if old else False,
        source=old.source if old else None,
        depends_on=tuple(step.after),
        deletion_policy=declared.deletion_policy,
        update_replace_policy=declared.update_replace_policy,
        metadata=metadata,
        unwritten=unwritten,
    )


def _reads_elsewhere(
    template: Template, names: Iterable[str], conditions: Mapping[str, bool]
) -> bool:
    """Tell whether resources read what other stacks give: exports or outputs."""
    return any(
        each.kind in _ELSEWHERE for name in names for each in references(template, name, conditions)
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
