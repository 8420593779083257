"""The operations of CloudFormation: each table's functions take the domain it is named after."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from penstock.aws.service import Operation, Response, Service, bind
from penstock.stacks.api import (
    change_sets as change_set_operations,
)
from penstock.stacks.api import (
    drift,
    events,
    exports,
    resources,
    signals,
    stack_policies,
    templates,
    templates_summary,
)
from penstock.stacks.api import (
    stacks as stack_operations,
)
from penstock.stacks.api.absent import INSTEAD
from penstock.stacks.api.lookup import resource_meant
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.stacks import Stacks

Table = Mapping[str, Callable[..., Awaitable[Response]]]

STACK_OPERATIONS: Table = {
    **stack_operations.OPERATIONS,
    **events.OPERATIONS,
    **resources.OPERATIONS,
    **drift.OPERATIONS,
    **exports.OPERATIONS,
    "SignalResource": signals.signal_resource,
    **stack_policies.OPERATIONS,
    "GetTemplateSummary": templates_summary.get_template_summary,
    "ValidateTemplate": templates_summary.validate_template,
}
"""Bound to `Stacks`."""

CHANGE_SET_OPERATIONS: Table = {**change_set_operations.OPERATIONS}
"""Bound to `ChangeSets`."""

BOTH: Table = {"GetTemplate": templates.get_template, **events.OF_BOTH}
"""Bound to `Stacks`, then to `ChangeSets`."""

OPERATIONS: Table = {**STACK_OPERATIONS, **CHANGE_SET_OPERATIONS, **BOTH}


def service(stacks: Stacks, change_sets: ChangeSets) -> Service:
    """Return CloudFormation on `stacks` and their `change_sets`."""
    operations: dict[str, Operation] = {
        **bind(stacks, STACK_OPERATIONS),
        **bind(change_sets, CHANGE_SET_OPERATIONS),
        **{name: partial(function, stacks, change_sets) for name, function in BOTH.items()},
    }
    return Service("cloudformation", operations, resource_meant(stacks, change_sets), INSTEAD)
