"""Looks before anything is provisioned: are names of new resources taken, do buckets that go have
objects, are properties what the schemas allow?

Only what is known and only what the caller may read: anything else is found when the
resource is made. Docs: ADR 0040.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.clock import Clock
from penstock.stacks.display import canonical, secrets_of
from penstock.stacks.events import findings
from penstock.stacks.events.findings import Finding
from penstock.stacks.handlers.handler import Findable, ResourceRequest, Support
from penstock.stacks.intrinsics.function import NO_VALUE
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.plan import Action, Plan, PlannedChange
from penstock.stacks.resource_types.registry import Handlers
from penstock.stacks.schemas import custom_names, resource_schema
from penstock.stacks.schemas.resource_schema import ResourceSchema
from penstock.stacks.state import StackState
from penstock.stacks.template import evaluate
from penstock.stacks.template.dynamic_references import has_reference
from penstock.storage import stacks as stored_stacks
from penstock.storage.database import Database
from penstock.storage.stacks import ResourceRow

_BUCKET = "AWS::S3::Bucket"
_DESCRIBE = "cloudformation:DescribeStackResources"
_AT_ONCE = 128
"""Names that are looked for at the same time: readers answer together what waits together."""

_TOKEN = "early-validation"
"""Of requests that make nothing."""

_Wanted = tuple[PlannedChange, Mapping[str, str]]
"""A new resource, and the properties that make its name."""


class EarlyValidation:
    """Validates plans of one server's stacks."""

    def __init__(
        self,
        handlers: Handlers,
        in_process: InProcess,
        ledger: Ledger,
        database: Database,
        clock: Clock,
    ) -> None:
        self._handlers = handlers
        self._in_process = in_process
        self._ledger = ledger
        self._database = database
        self._clock = clock

    async def of_plan(
        self, principal: Principal, current: StackState, wanted: Desired, plan: Plan
    ) -> list[Finding]:
        """Return what stops the plan: properties that are wrong, and names that are taken."""
        types = {name: each.type for name, each in wanted.template.resources.items()}
        found = findings.of_properties(plan.invalid_properties, types)
        added = [each for each in plan.changes if each.action is Action.ADD]
        added = [each for each in added if each.logical_resource_id not in plan.invalid_properties]
        found += await self._taken_names(principal, current, wanted, added)
        return _masked(found, current, wanted)

    async def warnings(self, principal: Principal, plan: Plan) -> list[Finding]:
        """Return what a change set warns of: buckets that it deletes and that have objects."""
        found = []
        for each in plan.changes:
            deleted = each.action is Action.REMOVE and each.policy_action == "Delete"
            if not deleted or each.resource_type != _BUCKET or not each.physical_resource_id:
                continue
            if self._handlers.support(_BUCKET) is Support.RECORDED:
                continue
            if await self._has_objects(principal, each.physical_resource_id):
                bucket = each.physical_resource_id
                found.append(findings.bucket_not_empty(each.logical_resource_id, bucket))
        return found

    async def _has_objects(self, principal: Principal, bucket: str) -> bool:
        try:
            found = await self._in_process.call(
                principal, "s3", "ListObjectsV2", {"Bucket": bucket, "MaxKeys": 1}
            )
        except ServiceError:  # who may not look is told nothing
            return False
        return bool(found.get("Contents"))

    async def _taken_names(
        self,
        principal: Principal,
        current: StackState,
        wanted: Desired,
        added: Iterable[PlannedChange],
    ) -> list[Finding]:
        scope = _scope(current, wanted)
        looked_for: list[tuple[PlannedChange, Findable, ResourceRequest]] = []
        recorded: list[_Wanted] = []
        findable: dict[str, Findable | None] = {}
        for each in added:
            schema = resource_schema.schema(each.resource_type)
            if schema is None:
                continue
            properties = _named(scope, schema, each.logical_resource_id)
            if not properties:
                continue
            if each.resource_type not in findable:
                handler = self._handlers.handler(each.resource_type)
                findable[each.resource_type] = handler if isinstance(handler, Findable) else None
            finds = findable[each.resource_type]
            if finds is not None:
                request = _request(current, each, properties, principal, self._clock)
                looked_for.append((each, finds, request))
            elif self._handlers.support(each.resource_type) is Support.RECORDED:
                recorded.append((each, properties))
        found: list[Finding] = []
        for start in range(0, len(looked_for), _AT_ONCE):
            chunk = looked_for[start : start + _AT_ONCE]
            there = await asyncio.gather(*(_existing(*each[1:]) for each in chunk))
            found += [
                _taken(each[0], identifier)
                for each, identifier in zip(chunk, there, strict=True)
                if identifier is not None
            ]
        found += await self._recorded_already(principal, recorded)
        return sorted(found, key=lambda one: one.logical_id)

    async def _recorded_already(
        self, principal: Principal, wanted: Sequence[_Wanted]
    ) -> list[Finding]:
        """Return findings of names that a recorded resource of a stack has, as far as the caller
        may know of that stack's resources."""
        if not wanted:
            return []
        types = sorted({change.resource_type for change, _ in wanted})
        rows = await self._database.read(lambda c: stored_stacks.resources_of_types(c, types))
        by_type: dict[str, list[ResourceRow]] = {each: [] for each in types}
        for row in rows:
            by_type[row.type].append(row)
        found, may_know = [], dict[str, bool]()
        for change, named in wanted:
            for row in by_type[change.resource_type]:
                if not self._has_name(row, named):
                    continue
                if row.stack_id not in may_know:
                    may_know[row.stack_id] = await self._may_describe(principal, row.stack_id)
                if may_know[row.stack_id]:
                    found.append(_taken(change, row.physical_id))
                    break
        return found

    def _has_name(self, row: ResourceRow, named: Mapping[str, str]) -> bool:
        """Tell whether a resource has this name; one whose identifier is without it has not, as
        far as anybody looks."""
        if not any(text in row.physical_id for text in named.values()):
            return False
        properties = self._ledger.resource(row.sealed).properties
        schema = resource_schema.schema(row.type)
        names = custom_names.naming_properties(schema, properties) if schema is not None else []
        there = {name: properties[name] for name in names if name in properties}
        return bool(canonical(there) == named)

    async def _may_describe(self, principal: Principal, stack_id: str) -> bool:
        try:
            await self._in_process.authorize(principal, _DESCRIBE, stack_id)
        except ServiceError:
            return False
        return True


def _scope(current: StackState, wanted: Desired) -> evaluate.Scope:
    """Names that come from other resources are not known: nothing is looked for then."""
    return evaluate.Scope(
        template=wanted.template,
        parameters=wanted.parameters,
        region=current.region,
        account_id=current.account_id,
        stack_id=current.stack_id,
        stack_name=current.stack_name,
        notification_arns=tuple(wanted.notification_arns),
        exports=wanted.exports,
        other_stacks=wanted.other_stacks,
    )


def _named(scope: evaluate.Scope, schema: ResourceSchema, logical_id: str) -> dict[str, str]:
    """Return the properties that name a resource; none where the template does not name it, or
    where that is not known yet."""
    declared = scope.template.resources[logical_id].properties
    names = custom_names.naming_properties(schema, declared)
    found: dict[str, str] = {}
    for name in names:
        if name not in declared:
            continue
        try:
            value = evaluate.evaluated(scope, declared[name])
        except ServiceError:  # an import that is missing: the plan warns of it
            return {}
        if value is NO_VALUE:
            continue
        if not isinstance(value, str | int) or isinstance(value, bool) or has_reference(str(value)):
            return {}
        found[name] = str(value)
    return found if not names or names[0] in found else {}


def _request(
    current: StackState,
    change: PlannedChange,
    properties: Mapping[str, Any],
    principal: Principal,
    clock: Clock,
) -> ResourceRequest:
    return ResourceRequest(
        stack_id=current.stack_id,
        stack_name=current.stack_name,
        region=current.region,
        account_id=current.account_id,
        logical_resource_id=change.logical_resource_id,
        resource_type=change.resource_type,
        properties=properties,
        previous_properties={},
        physical_resource_id=None,
        tags={},
        previous_tags={},
        client_request_token=_TOKEN,
        resumed=False,
        principal=principal,
        now=clock(),
    )


async def _existing(handler: Findable, request: ResourceRequest) -> str | None:
    try:
        return await handler.existing(request)
    except ServiceError:  # who may not look, or a name that the service does not take
        return None


def _taken(change: PlannedChange, identifier: str) -> Finding:
    return findings.name_taken(change.logical_resource_id, change.resource_type, identifier)


def _masked(found: list[Finding], current: StackState, wanted: Desired) -> list[Finding]:
    """Return the findings without the values of NoEcho parameters."""
    secrets = secrets_of(
        current.parameters, wanted.parameters, resources=current.resources.values()
    )
    if not secrets.values:
        return found
    return [
        Finding(
            one.logical_id, one.resource_type, one.name,
            str(secrets.masked(one.reason)), str(secrets.masked(one.path)), one.mode,
        )
        for one in found
    ]  # fmt: skip
