"""Names that a template gives its resources: two resources cannot have one at the same time. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
and, for the text, cloudtools/stacker#96.
"""

from collections.abc import Collection, Mapping
from typing import Any

from penstock.stacks.display import canonical
from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.resource_schema import ResourceSchema


def naming_properties(schema: ResourceSchema, given: Collection[str]) -> list[str]:
    """Return which of the `given` properties name a resource; none where AWS makes its name up.

    They are the primary identifier's or, where AWS makes that up of the name, the name.
    """
    names = [path[0] for path in schema.primary_identifier if path not in schema.read_only]
    if not names or len(names) < len(schema.primary_identifier):
        short = schema.type_name.rpartition("::")[2]
        likely = ("Name", f"{short}Name", f"{short}Identifier")
        names = [each for each in likely if (each,) in schema.create_only and each in given][:1]
    return names if all(name in given for name in names) else []


def refusal_to_replace(
    resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> str | None:
    """Return AWS's refusal of a replacement that would have the name of what it replaces.

    None where the replacement is called otherwise.
    """
    schema = resource_schema.schema(resource_type)
    names = naming_properties(schema, after) if schema is not None else []
    if not names or any(canonical(before.get(each)) != canonical(after[each]) for each in names):
        return None
    name = "|".join(str(canonical(after[each])) for each in names)
    return (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        f"Rename {name} and update the stack again."
    )
