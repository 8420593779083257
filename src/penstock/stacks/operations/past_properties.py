"""Properties of resources that go, or come back, as events may show them. Pure.

AWS shows them where a stack is deleted or goes back, and not where an update, or its rollback, has
its cleanup (recorded: github.com/radkawar/stackd, testdata/aws, eventbridge_rule_migration.json).
"""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.display import canonical, secrets_of
from penstock.stacks.operations.operation import Operation, Step
from penstock.stacks.operations.walk import Phase
from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.state import DeployedResource, StackState
from penstock.stacks.template import evaluate
from penstock.stacks.template.evaluate import Scope
from penstock.stacks.template.load import stored_template
from penstock.stacks.template.template import ParameterValue

_SHOWN = frozenset({Phase.REVERT, Phase.ROLLBACK, Phase.DELETE})


class PastProperties:
    """What an operation's events show of resources that one template made.

    `created`: whether that is the operation's own, whose creation failed, and not the one that the
    stack had before.
    """

    def __init__(
        self, operation: Operation, resources: Mapping[str, DeployedResource], *, created: bool
    ) -> None:
        before, plan = operation.before, operation.plan
        body, parameters = before.template_body, before.parameters
        if created and plan is not None:
            body, parameters = plan.template_body, plan.parameters
        self._resources = dict(resources) if created else before.resources
        self._secrets = secrets_of(parameters, resources=self._resources.values())
        self._places: SecretPlaces | None = None
        if body and (created or before.status.endswith("_COMPLETE")):
            self._places = secret_places(before, body, parameters, self._resources)

    def of(self, step: Step) -> dict[str, Any] | None:
        """Return what a step's events show; None for what the template may not have made, such as
        what an earlier update left behind: nobody knows any more what is a secret in it."""
        if step.phase not in _SHOWN or step.old is None or self._places is None:
            return None
        known = self._resources.get(step.logical_id)
        if known is None or known.properties != step.old.properties or step.key != step.logical_id:
            return None
        paths = self._places.in_properties(step.logical_id)
        hidden: dict[str, Any] = self._secrets.masked(canonical(step.old.properties), paths)
        return hidden


def secret_places(
    before: StackState,
    body: str,
    parameters: Mapping[str, ParameterValue],
    resources: Mapping[str, DeployedResource],
) -> SecretPlaces:
    """Return where secrets stand in the resources that a stack's template made; `before` is the
    stack that has, or had, them."""
    template = stored_template(body)
    scope = Scope(
        template, parameters, before.region, before.account_id, before.stack_id, before.stack_name
    )
    secret = [name for name, each in resources.items() if each.no_echo]
    return SecretPlaces(template, parameters, evaluate.conditions(scope), secret, scope)
