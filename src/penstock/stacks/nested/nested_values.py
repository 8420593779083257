"""The parameters that a nested stack's plan did not know yet, once they are known. Pure.

A plan made with its parent's (IncludeNestedStacks) has KNOWN_AFTER_APPLY where a value comes from
what the parent is yet to make. At the nested stack's turn they are known; nothing else may differ
from what was planned, or another plan than the reviewed one would be executed.
"""

import dataclasses
from collections.abc import Mapping

from penstock.stacks.handlers.handler import ResourceRequest
from penstock.stacks.intrinsics.unknown import KNOWN_AFTER_APPLY
from penstock.stacks.planning.nesting import parameters_of
from penstock.stacks.planning.plan import Plan, planned_otherwise
from penstock.stacks.template import evaluate
from penstock.stacks.template.constraints import check_value
from penstock.stacks.template.load import stored_template
from penstock.stacks.template.template import ParameterValue, Template


def completed(plan: Plan, stack_name: str, request: ResourceRequest) -> Plan:
    """Return the plan with the values of the request's properties.

    Raises ServiceError where a value breaks the template's constraints, differs from the planned
    one, or makes a condition come out otherwise.
    """
    given = {
        each["ParameterKey"]: each["ParameterValue"] for each in parameters_of(request.properties)
    }
    template = stored_template(plan.template_body)
    parameters = {
        name: _value(template, name, value, given) for name, value in plan.parameters.items()
    }
    before = _conditions(template, plan.parameters, stack_name, request)
    after = _conditions(template, parameters, stack_name, request)
    changed = sorted(name for name in after if after[name] != before[name])
    if changed:
        raise planned_otherwise(f"the condition {changed[0]} is {after[changed[0]]}")
    return dataclasses.replace(plan, parameters=parameters)


def _value(
    template: Template, name: str, planned: ParameterValue, given: Mapping[str, str]
) -> ParameterValue:
    found = given.get(name)
    if planned.value != KNOWN_AFTER_APPLY:
        if found is not None and found != planned.value:
            raise planned_otherwise(f"the parameter {name} has another value")
        return planned
    if found is None or found == KNOWN_AFTER_APPLY:
        raise planned_otherwise(f"the parameter {name} has no value")
    check_value(template.parameters[name], found)
    return dataclasses.replace(planned, value=found)


def _conditions(
    template: Template,
    parameters: Mapping[str, ParameterValue],
    stack_name: str,
    request: ResourceRequest,
) -> dict[str, bool]:
    return evaluate.conditions(
        evaluate.Scope(
            template=template,
            parameters=parameters,
            region=request.region,
            account_id=request.account_id,
            stack_id=request.stack_id,
            stack_name=stack_name,
        )
    )
