"""What templates and requests may ask of stacks and Penstock does not do: refused before anything
starts, since a record of it would say that it was done. Pure.

Other resource types without anything behind them are recorded, and say so; those refused here
do something in a stack's operation itself (make other stacks), or
would seem to protect something (docs/adr/0026-policies-of-resources-in-stacks.md).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.intrinsics.function import function_of
from penstock.stacks.planning import rollback_configuration
from penstock.stacks.policies import creation_policy
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.template import ResourceDeclaration

POLICIES = (
    "AWS::ECR::RegistryPolicy",
    "AWS::Logs::ResourcePolicy",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicInlinePolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SecretsManager::ResourcePolicy",
)
_MEMBERS = {
    "ResourcesToImport": "resource import",
    "ImportExistingResources": "resource import",
    "DeploymentMode": "drift-aware change sets",
    "ForceRollback": "forced rollbacks",
}
_TYPES = {
    "AWS::CloudFormation::StackSet": "deploy its template as a stack of its own",
}


def check_request(request: Mapping[str, Any]) -> None:
    """Raise ValidationError for a member of a request that would have no effect."""
    for member, noun in _MEMBERS.items():
        if request.get(member):
            raise invalid(f"Penstock has no {noun} yet; leave out {member}.")
    rollback_configuration.check(request.get("RollbackConfiguration") or {})
    deployment = request.get("DeploymentConfig") or {}
    if deployment.get("Mode", "STANDARD") != "STANDARD":
        raise invalid(
            f"Penstock has the deployment mode STANDARD, found {deployment['Mode']} in "
            "DeploymentConfig."
        )
    if deployment.get("DisableRollback"):
        raise invalid("Give DisableRollback beside DeploymentConfig, not in it.")


def check_resources(declared: Iterable[ResourceDeclaration]) -> None:
    """Raise ValidationError for the first resource that would not be what it says.

    `declared` are those that no condition leaves out.
    """
    for resource in declared:
        why = _why_not(resource)
        if why is not None:
            raise _refusal(resource.logical_id, why)


def refused_policy(resource_type: str) -> str:
    """Return why there are no resources of a type of policy."""
    return (
        f"Penstock does not evaluate policies of resources, so {resource_type} would have "
        "no effect. Say what is allowed in the policies of roles and users, and leave the "
        "resource out, by a condition for example."
    )


def refused_property(path: str, resource_type: str) -> str:
    """Return the refusal of a property; `path` is `/Name`, with a restriction where there is."""
    return (
        f"Penstock cannot honour the property {path} of {resource_type}; "
        "remove it from the template."
    )


def check_properties(
    logical_id: str, resource_type: str, given: Iterable[str], honoured: Collection[str]
) -> None:
    """Raise ValidationError for a property, by name, that the type does not honour here."""
    others = sorted(name for name in given if name not in honoured)
    if others:
        raise _refusal(logical_id, refused_property(f"/{others[0]}", resource_type))


def _refusal(logical_id: str, why: str) -> ServiceError:
    return invalid(f"Resource {logical_id}: {why}")


def _why_not(resource: ResourceDeclaration) -> str | None:
    if resource.type in POLICIES:
        return refused_policy(resource.type)
    reason = _TYPES.get(resource.type)
    if reason is not None:
        return f"Penstock does not support {resource.type}: {reason}."
    for name, declared in (
        ("CreationPolicy", resource.creation_policy),
        ("UpdatePolicy", resource.update_policy),
    ):
        if declared and function_of(declared) is None:
            wrong = creation_policy.problem(resource.type, name, declared)
            if wrong is not None:
                return wrong
    return None
