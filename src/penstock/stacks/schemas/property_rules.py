"""Whether a resource's evaluated properties are what its schema allows, in AWS's words.

Never a false alarm: what is not known yet, and what a schema says in a way that is not certain,
is accepted. CloudFormation takes scalars of another type whose text fits (`"80"`, `"true"`).
Source of the texts: the validator that AWS published (cloudformation-resource-schema), which
leaves out values for keywords such as enum and pattern.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.resource_schema import ResourceSchema, ValuePath
from penstock.stacks.schemas.rule import Check, Rule, Rules

_COMBINED = ("allOf", "anyOf", "oneOf", "dependencies", "patternProperties")


def problems(
    schema: ResourceSchema,
    properties: Mapping[str, Any],
    made_up: Iterable[ValuePath] = (),
    *,
    early: bool = False,
) -> list[str]:
    """Return what is wrong, one line each: `#/Port: expected type: Integer, found: String`.

    Of the values at the paths of `made_up` only the type counts: what nothing stands behind is not
    the author's. `early`: before the resource's turn, when lists of allowed values do not count;
    they age, and the service knows better.
    """
    places = ["/".join(("#", *map(str, path))) for path in made_up]
    check = Check(places, with_enums=not early)
    _rule(schema.type_name).check(properties, "#", check)
    return check.found


def failure(logical_resource_id: str, found: list[str]) -> str:
    """Return the reason of a resource's event, or of a failed change set."""
    lines = "\n".join(found)
    return f"Properties validation failed for resource {logical_resource_id} with message:\n{lines}"


@functools.cache
def _rule(type_name: str) -> Rule:
    """Return the rule of all of a type's properties."""
    schema = resource_schema.schema(type_name)
    assert schema is not None
    stated = {
        "type": "object",
        "properties": schema.properties,
        "required": sorted(schema.required),
        "additionalProperties": schema.document.get("additionalProperties", False),
        **{name: schema.document[name] for name in _COMBINED if name in schema.document},
    }
    return Rule(stated, Rules(schema.document))
