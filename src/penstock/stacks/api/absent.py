"""What CloudFormation's operations that are not here would be for, and what to do in their place.

docs/compatibility-notes.md says the same of each group.
"""

from collections.abc import Mapping

_STACK_SETS = (
    "a server is one account in one Region, so there is nowhere to deploy a stack set to; "
    "deploy its template with CreateStack"
)
_TYPES = (
    "there is no registry of types: every type of AWS's is known already, and a custom "
    "resource makes what AWS does not have"
)
_GENERATED = (
    "no template is written from resources that are there; write it, and deploy it as a stack "
    "that makes them"
)
_REFACTORS = (
    "resources do not move between stacks, since none can be imported; make them anew in the "
    "other stack, then remove them from this one"
)
_HOOKS = "there are no hooks; look at a change set, or have a pipeline ask for approval of it"
_COST = (
    "what runs here costs nothing by the hour; AWS's pricing calculator knows what it costs there"
)
_LIMITS = "an account has no limit of stacks here; templates have AWS's limits"

_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        _STACK_SETS,
        (
            "ActivateOrganizationsAccess", "CreateStackInstances", "CreateStackSet",
            "DeactivateOrganizationsAccess", "DeleteStackInstances", "DeleteStackSet",
            "DescribeOrganizationsAccess", "DescribeStackInstance", "DescribeStackSet",
            "DescribeStackSetOperation", "DetectStackSetDrift", "ImportStacksToStackSet",
            "ListStackInstanceResourceDrifts", "ListStackInstances",
            "ListStackSetAutoDeploymentTargets", "ListStackSetOperationResults",
            "ListStackSetOperations", "ListStackSets", "StopStackSetOperation",
            "UpdateStackInstances", "UpdateStackSet",
        ),
    ),
    (
        _TYPES,
        (
            "ActivateType", "BatchDescribeTypeConfigurations", "DeactivateType", "DeregisterType",
            "DescribePublisher", "DescribeType", "DescribeTypeRegistration",
            "ListTypeRegistrations", "ListTypeVersions", "ListTypes", "PublishType",
            "RecordHandlerProgress", "RegisterPublisher", "RegisterType", "RemoveAlias", "SetAlias",
            "SetTypeConfiguration", "SetTypeDefaultVersion", "TestType",
        ),
    ),
    (
        _GENERATED,
        (
            "CreateGeneratedTemplate", "DeleteGeneratedTemplate", "DescribeGeneratedTemplate",
            "DescribeResourceScan", "GetGeneratedTemplate", "ListGeneratedTemplates",
            "ListResourceScanRelatedResources", "ListResourceScanResources", "ListResourceScans",
            "StartResourceScan", "UpdateGeneratedTemplate",
        ),
    ),
    (
        _REFACTORS,
        (
            "CreateStackRefactor", "DescribeStackRefactor", "ExecuteStackRefactor",
            "ListStackRefactorActions", "ListStackRefactors",
        ),
    ),
    (
        _HOOKS,
        ("DescribeChangeSetHooks", "GetHookResult", "ListHookResults"),
    ),
    (
        _COST,
        ("EstimateTemplateCost",),
    ),
    (
        _LIMITS,
        ("DescribeAccountLimits",),
    ),
)  # fmt: skip

INSTEAD: Mapping[str, str] = {
    operation: text for text, operations in _GROUPS for operation in operations
}
"""What to do, by operation."""
