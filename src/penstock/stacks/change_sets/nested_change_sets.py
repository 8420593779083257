"""The change sets of nested stacks: planned with their parent's, executed and deleted by it alone.

Each nested stack is planned in order of dependencies, with what is known by then of those before
it: their outputs as they will be. What only the execution tells is KNOWN_AFTER_APPLY. The parent's
plan holds the nested ones, so its digest covers them, and executing it executes just these.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html
(words recorded by aws-amplify/amplify-cli: StatusReason of nested change sets and of their root)
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock import ids
from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal
from penstock.aws.tags import from_pairs
from penstock.stacks.change_sets.change_set import Document
from penstock.stacks.change_sets.drafting import (
    NOTHING_CHANGES,
    Draft,
    Outcome,
    failure,
    named,
    new_arn,
)
from penstock.stacks.display import secrets_of
from penstock.stacks.events import findings
from penstock.stacks.events.findings import Finding
from penstock.stacks.planning import nesting, planner
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.nesting import Asked, Size, TooLarge, go_on
from penstock.stacks.planning.plan import Plan, PlannedChange
from penstock.stacks.requests.request import desired
from penstock.stacks.stacks import Stacks
from penstock.stacks.state import StackState

_BY_ROOT = Outcome("Only executable from the root change set.")
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class NestedChangeSet:
    """A nested stack's part of a change set. `wanted` and `plan` are None where they failed."""

    arn: str
    name: str
    state: StackState
    create: bool
    wanted: Desired | None
    plan: Plan | None
    outcome: Outcome
    outputs: Mapping[str, Any] | None
    nested: Sequence["NestedChangeSet"] = ()
    findings: Sequence[Finding] = ()
    """What early validation found in it."""

    @property
    def failed(self) -> bool:
        """Whether the root fails with it: it could not be made, and not since nothing changes."""
        return self.outcome.failed and not self.outcome.empty

    def draft(self, parent_arn: str, root_arn: str) -> Draft:
        """Return what is stored of it."""
        template = self.wanted.template if self.wanted is not None else None
        document = Document(
            plan=self.plan,
            template_body=template.body if template is not None else "",
            original_body=template.original if template is not None else None,
            create=self.create,
            capabilities=tuple(self.wanted.capabilities) if self.wanted is not None else (),
            options={"IncludeNestedStacks": True},
        )
        return Draft(
            self.arn, self.name, self.state, document, self.outcome, include_nested=True,
            parent_arn=parent_arn, root_arn=root_arn,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """A stack's plan with its nested stacks' in it, and their change sets."""

    plan: Plan
    nested: Sequence[NestedChangeSet]
    outputs: Mapping[str, Any]

    @property
    def failure(self) -> str | None:
        """Why the stack's change set fails with a nested one; None where it does not."""
        for each in self.nested:
            if each.failed:
                told = f"Nested change set {each.arn} was not successfully created"
                return f"{told}: Currently in FAILED."
        return None

    def changes(self, state: StackState) -> bool:
        """Tell whether anything changes in the stack or those nested in it."""
        real = [each for each in self.plan.changes if not nesting.is_automatic(each)]
        return planner.has_changes(state, dataclasses.replace(self.plan, changes=real))


def flat(
    nested: Sequence[NestedChangeSet], parent_arn: str, parent: StackState
) -> Iterator[tuple[NestedChangeSet, str, StackState]]:
    """Yield all change sets below one, each with its parent's ARN and the stack above it."""
    for each in nested:
        yield each, parent_arn, parent
        yield from flat(each.nested, each.arn, each.state)


class NestedPlans:
    """Plans a stack with all that are nested in it, as `principal`, for a CreateChangeSet."""

    def __init__(self, stacks: Stacks, principal: Principal, request: Mapping[str, Any]) -> None:
        """`request` is the root's."""
        self._stacks = stacks
        self._principal = principal
        self._name: str = request["ChangeSetName"]
        self._validates = not request.get("DisableValidation")
        self._size = Size()

    async def plan(
        self, state: StackState, wanted: Desired, ancestors: Sequence[str] = ()
    ) -> Planned:
        """Return the plan of a stack and those below it. Raises ServiceError for its own, before
        anything is asked for those, and TooLarge for all of them together."""
        planning = self._stacks.plan_in_turn(state, wanted)
        made: dict[str, NestedChangeSet] = {}
        found = go_on(planning)
        self._size.add_resources(found.resources)
        if isinstance(found, Asked):
            self._stacks.plan(state, wanted)
        while isinstance(found, Asked):
            child = await self._child(state, wanted, found, (state.stack_name, *ancestors))
            made[found.logical_id] = child
            found = go_on(planning, None if child.outputs is None else {"Outputs": child.outputs})
        changes = [_with(each, made.get(each.logical_resource_id)) for each in found.plan.changes]
        plan = dataclasses.replace(found.plan, changes=changes)
        return Planned(plan, tuple(made.values()), found.outputs)

    async def _child(
        self,
        parent: StackState,
        above: Desired,
        asked: Asked,
        ancestors: Sequence[str],
    ) -> NestedChangeSet:
        """Return the change set of one nested stack; what fails in it is its reason.

        Raises ServiceError where who acts on the stacks may make none of it: nothing of a name that
        is not allowed is stored then. So with TooLarge, which ends the planning of all.
        """
        self._size.add_nested()
        logical_id, properties = asked.logical_id, asked.properties
        deployed = parent.resources.get(logical_id)
        found = await self._stacks.state(deployed.physical_resource_id) if deployed else None
        current = found if found is not None and found.template_body else None
        end = ids.new_alphanumeric(12)
        state = current or self._stacks.new_state(
            nesting.stack_name(parent.stack_name, logical_id, end)
        )
        await self._stacks.check_allowed(
            self._principal, above.role_arn, "cloudformation:CreateChangeSet", state.stack_id
        )
        name = f"{self._name[: _LONGEST_NAME - 64]}-{logical_id[:50]}-{end.upper()}"
        identity = new_arn(name, state)
        made = NestedChangeSet(identity, name, state, current is None, None, None, _BY_ROOT, None)
        try:
            nesting.check_depth(ancestors)
            tags = {**above.tags, **from_pairs(properties.get("Tags") or ())}
            wanted = await desired(
                self._stacks.in_process,
                self._principal,
                nesting.request_of(properties, state.stack_name, tags, above),
                current,
                await self._stacks.exports(),
                self._stacks.macros,
            )
            made = dataclasses.replace(made, wanted=wanted)
            planned = await self.plan(state, wanted, ancestors)
        except TooLarge:
            raise
        except ServiceError as error:
            given = made.wanted.parameters if made.wanted is not None else {}
            secrets = secrets_of(
                above.parameters, state.parameters, given, resources=parent.resources.values()
            )
            return dataclasses.replace(made, outcome=failure(secrets.masked_text(error.message)))
        wrong = await self._findings(state, wanted, planned.plan)
        reason = findings.of_change_set(wrong) or planned.failure
        changing = _BY_ROOT if planned.changes(state) else NOTHING_CHANGES
        return dataclasses.replace(
            made,
            plan=named(planned.plan, identity),
            outcome=changing if reason is None else failure(reason),
            outputs=planned.outputs,
            nested=planned.nested,
            findings=wrong,
        )

    async def _findings(self, state: StackState, wanted: Desired, plan: Plan) -> list[Finding]:
        """Return what early validation finds in a nested stack, as in the root."""
        if not self._validates:
            return []
        validation = self._stacks.validation
        found = await validation.of_plan(self._principal, state, wanted, plan)
        return found + await validation.warnings(self._principal, plan)


def _with(change: PlannedChange, child: NestedChangeSet | None) -> PlannedChange:
    """Return the change of a nested stack with its change set, any other as it is."""
    if child is None:
        return change
    nested = None if child.outcome.failed else child.plan
    return dataclasses.replace(change, change_set_id=child.arn, nested=nested)
