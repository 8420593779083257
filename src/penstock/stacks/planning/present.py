"""What a stack has, as its deployed template reads it: policies, outputs, secrets. Pure."""

import dataclasses
from collections.abc import Mapping
from functools import cached_property

from penstock.aws.errors import ServiceError
from penstock.stacks.planning.differences import Policies
from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.state import StackState
from penstock.stacks.template import evaluate
from penstock.stacks.template.load import stored_template
from penstock.stacks.template.scope import Scope
from penstock.stacks.template.template import ResourceDeclaration


class Present:
    """A stack as it stands. What cannot be evaluated any more, for a resource or an export that
    was there is gone, is nothing."""

    def __init__(self, current: StackState, wanted: Scope, exports: Mapping[str, str]) -> None:
        """`wanted` is the scope of what shall be, of the same stack."""
        self._current = current
        self._wanted = wanted
        self._exports = exports

    def policies(self, logical_id: str) -> Policies:
        """Return the policies that the template gives a resource."""
        declared = self._scope.template.resources.get(logical_id) if self._scope else None
        if self._scope is None or declared is None:
            return Policies()
        try:
            return policies_of(self._scope, declared)
        except ServiceError:
            return Policies()

    def outputs(self) -> list[evaluate.Output] | None:
        """Return the outputs; None when nothing gives any."""
        if self._scope is None:
            return None
        try:
            return evaluate.outputs(self._scope)
        except ServiceError:
            return None

    def secret_places(self) -> SecretPlaces | None:
        """Return where secrets are in what is deployed; None when nothing is."""
        scope = self._scope
        if scope is None:
            return None
        try:
            conditions = evaluate.conditions(scope)
        except ServiceError:  # a template of another version of ours
            conditions = {}
        secret = self._current.secret_resources
        return SecretPlaces(scope.template, self._current.parameters, conditions, secret, scope)

    @cached_property
    def _scope(self) -> Scope | None:
        """What the template was evaluated with; None when none is deployed."""
        current = self._current
        if not current.template_body:
            return None
        return dataclasses.replace(
            self._wanted,
            template=stored_template(current.template_body),
            parameters=current.parameters,
            exports=self._exports,
            notification_arns=tuple(current.notification_arns),
            resources={name: each.values for name, each in current.resources.items()},
        )


def policies_of(scope: Scope, declared: ResourceDeclaration) -> Policies:
    """Return a resource's CreationPolicy and UpdatePolicy, evaluated."""
    if declared.creation_policy is None and declared.update_policy is None:
        return Policies()
    return Policies(
        evaluate.evaluated(scope, declared.creation_policy),
        evaluate.evaluated(scope, declared.update_policy),
    )
