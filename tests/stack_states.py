"""Stacks as they stand, for tests of what is planned: deployed by saying so, not by doing it.

`deployed(template, ...)` evaluates a template resource after resource and takes each as deployed:
a topic's Ref is its ARN, everything else's `id-LOGICAL`; its properties are its attributes, with
`Arn` and `TopicArn` besides. `planned(before, after)` plans from one template to another.
"""

import json
from collections.abc import Mapping
from typing import Any

from penstock.stacks.change_sets.description import describe_changes
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.plan import Plan
from penstock.stacks.planning.planner import plan
from penstock.stacks.state import DeployedResource, StackState
from penstock.stacks.template import evaluate, graph
from penstock.stacks.template.evaluate import ResourceValues
from penstock.stacks.template.load import load_template
from penstock.stacks.template.template import ParameterValue, Template

REGION, ACCOUNT = "us-east-1", "123456789012"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/11111111-2222"

Parameters = Mapping[str, ParameterValue]
Json = Mapping[str, Any]


def text_of(template: Json | str) -> str:
    return template if isinstance(template, str) else json.dumps(template)


def parameters_of(template: Template, given: Json | None = None) -> dict[str, ParameterValue]:
    """Given values (or whole ParameterValues) over the template's defaults."""
    values = {}
    for name, declared in template.parameters.items():
        value = (given or {}).get(name, declared.default)
        if not isinstance(value, ParameterValue):
            value = ParameterValue(str(value), declared.no_echo)
        values[name] = value
    return values


def new_stack(tags: Mapping[str, str] | None = None) -> StackState:
    return StackState(STACK_ID, "shop", REGION, ACCOUNT, "REVIEW_IN_PROGRESS", 1, tags=tags or {})


def deployed(
    template: Json | str,
    given: Json | None = None,
    *,
    tags: Mapping[str, str] | None = None,
    exports: Mapping[str, str] | None = None,
) -> StackState:
    loaded = load_template(text_of(template))
    parameters = parameters_of(loaded, given)
    known: dict[str, ResourceValues] = {}
    scope = evaluate.Scope(
        loaded, parameters, REGION, ACCOUNT, STACK_ID, "shop", exports=exports or {},
        resources=known,
    )  # fmt: skip
    resources = {}
    for name in graph.in_order(graph.dependencies(loaded, evaluate.conditions(scope))):
        declared = loaded.resources[name]
        properties = evaluate.properties(scope, name)
        physical_id = f"id-{name}"
        if declared.type == "AWS::SNS::Topic":
            topic = properties.get("TopicName", f"shop-{name}-ABC")
            physical_id = f"arn:aws:sns:{REGION}:{ACCOUNT}:{topic}"
        attributes = {**properties, "Arn": f"arn:{name}", "TopicArn": physical_id}
        known[name] = ResourceValues(physical_id, attributes)
        resources[name] = DeployedResource(
            logical_resource_id=name,
            resource_type=declared.type,
            physical_resource_id=physical_id,
            status="CREATE_COMPLETE",
            properties=properties,
            attributes=attributes,
            support="kept",
            deletion_policy=declared.deletion_policy,
            update_replace_policy=declared.update_replace_policy,
            metadata=evaluate.metadata(scope, name),
        )
    return StackState(
        STACK_ID,
        "shop",
        REGION,
        ACCOUNT,
        "CREATE_COMPLETE",
        2,
        template_body=loaded.body,
        parameters=parameters,
        tags=tags or {},
        resources=resources,
        outputs={each.name: str(each.value) for each in evaluate.outputs(scope)},
    )


def wanted(
    template: Json | str,
    given: Json | None = None,
    *,
    tags: Mapping[str, str] | None = None,
    exports: Mapping[str, str] | None = None,
) -> Desired:
    loaded = load_template(text_of(template))
    return Desired(loaded, parameters_of(loaded, given), tags=tags or {}, exports=exports or {})


def planned(
    before: Json | str,
    after: Json | str,
    given_before: Json | None = None,
    given_after: Json | None = None,
) -> Plan:
    return plan(deployed(before, given_before), wanted(after, given_after or given_before))


def changes(found: Plan, *, values: bool = False) -> dict[str, dict[str, Any]]:
    """The ResourceChanges by logical id, as described."""
    described = [each["ResourceChange"] for each in describe_changes(found, values)]
    return {each["LogicalResourceId"]: each for each in described}
