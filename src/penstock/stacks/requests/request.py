"""From a request's members (CreateStack, UpdateStack, CreateChangeSet) to what is wanted, checked.

What AWS refuses before it begins is refused here: no template, parameters, capabilities, unknown
resource types, circular dependencies. What Penstock lacks is refused by name, never ignored.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.aws.tags import from_pairs, reserved_key
from penstock.stacks.display import Secrets, secrets_of
from penstock.stacks.lookups.references import ReferenceLookups, stored_parameters
from penstock.stacks.lookups.stack_outputs import StackOutputLookups
from penstock.stacks.planning import rollback_configuration, unsupported
from penstock.stacks.planning.desired import Desired
from penstock.stacks.requests import capabilities
from penstock.stacks.requests.attributes import check_attributes
from penstock.stacks.requests.template_source import LONGEST_BODY_BYTES, template_text
from penstock.stacks.schemas import resource_schema
from penstock.stacks.state import StackState
from penstock.stacks.template import evaluate, graph
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.load import given_template, keep_given
from penstock.stacks.template.parameters import GivenParameter, resolve_parameters
from penstock.stacks.template.rules import check_rules
from penstock.stacks.template.scope import OtherStack
from penstock.stacks.template.template import ParameterValue, Template
from penstock.stacks.template.unexpanded import read_document
from penstock.stacks.transforms.expansion import Expansion
from penstock.stacks.transforms.macro_registry import Macros
from penstock.stacks.transforms.resolver import Known

__all__ = ["Desired", "desired"]


async def desired(
    in_process: InProcess,
    principal: Principal,
    request: Mapping[str, Any],
    current: StackState | None,
    exports: Mapping[str, str],
    macros: Macros,
) -> Desired:
    """Return what the request asks a stack to become.

    `current` is the stack as it stands, None for a new one: what the request leaves out (tags,
    role, topics, the template with UsePreviousTemplate) stays as it is. Reads the template from
    S3 and parameters from Parameter Store as `principal`, and carries out its transforms. Raises
    ServiceError with AWS's text, without the values of NoEcho parameters; of a change set whose
    transforms fail, returns the `failure`.
    """
    unsupported.check_request(request)
    deployed = current if current is not None and current.template_body else None
    if request.get("UsePreviousTemplate") and deployed is not None:
        text = deployed.original_body or deployed.template_body
    else:
        text = await template_text(in_process, principal, request)
    document, given = await _read(text)
    asking = _Asking(in_process, principal, request, current, deployed)
    try:
        if not given.transforms:
            return await asking.wanted(given, await asking.standing(given, exports))
        return await asking.expanded(document, given, exports, macros)
    except ServiceError as error:
        raise asking.secrets().masked_error(error) from None


async def _read(text: str) -> tuple[dict[str, Any], Template]:
    """Return the template in a text, and the document that it is, where transforms need it."""
    known = given_template(text)
    if known is not None:
        return {}, known
    if len(text) > LONGEST_BODY_BYTES:  # seconds, in which others are answered
        document, given = await asyncio.to_thread(_parsed, text)
    else:
        document, given = _parsed(text)
    if not given.transforms:
        keep_given(given)
    return document, given


def _parsed(text: str) -> tuple[dict[str, Any], Template]:
    document = parse_document(text)
    return document, read_document(document, text)


@dataclass(frozen=True, slots=True)
class _Asking:
    """One request, and whom and what it is about."""

    in_process: InProcess
    principal: Principal
    request: Mapping[str, Any]
    current: StackState | None
    deployed: StackState | None
    hidden: set[str] = field(default_factory=set)
    """The values of NoEcho parameters met so far."""

    def secrets(self) -> Secrets:
        """Return what no refusal may quote."""
        return Secrets(frozenset(self.hidden))

    async def standing(self, template: Template, exports: Mapping[str, str]) -> Desired:
        """Return what the request wishes beside the template and its parameters."""
        request, deployed = self.request, self.deployed
        return Desired(
            template=template,
            tags=_tags(request, deployed),
            capabilities=tuple(request.get("Capabilities") or ()),
            role_arn=request.get("RoleARN") or (deployed.role_arn if deployed else None),
            notification_arns=await _topics(self.in_process, self.principal, request, deployed),
            monitoring_minutes=rollback_configuration.monitoring_minutes(
                request.get("RollbackConfiguration"), deployed.monitoring_minutes if deployed else 0
            ),
            disable_rollback=_disables_rollback(request),
            exports=exports,
        )

    async def known(self, template: Template) -> Known:
        """Return what transforms may know of the stack; `template` declares the parameters."""
        parameters = await self._parameters(template, request_of=template)
        current = self.current
        return Known(
            self.in_process.region,
            self.in_process.account_id,
            self.request["StackName"] if current is None else current.stack_name,
            "" if current is None else current.stack_id,
            template.parameters,
            parameters,
        )

    async def expanded(
        self,
        document: Mapping[str, Any],
        given: Template,
        exports: Mapping[str, str],
        macros: Macros,
    ) -> Desired:
        """Return what is `wanted` once the transforms of the template are carried out."""
        reviewed = "ChangeSetName" in self.request
        capabilities.check(given, self.request.get("Capabilities") or (), reviewed=reviewed)
        standing = await self.standing(given, exports)
        known = await self.known(given)
        try:
            expansion = Expansion(self.in_process, self.principal, macros, known)
            return await self.wanted(await expansion.template(document, given.body), standing)
        except ServiceError as error:
            if not reviewed:
                raise
            template = Template(body="", original=given.body, resources={})
            told = self.secrets().masked_error(error).message
            return replace(standing, template=template, failure=told)

    async def wanted(self, template: Template, standing: Desired) -> Desired:
        """Return `standing` with the template, its transforms carried out, and its parameters."""
        request = self.request
        _check_types(template, request.get("ResourceTypes"))
        capabilities.check(template, standing.capabilities, reviewed=template.original is not None)
        parameters = await self._parameters(template, request_of=standing.template)
        others: dict[str, OtherStack] = {}
        wanted = replace(standing, template=template, parameters=parameters, other_stacks=others)
        scope = _scope(wanted, self.in_process, request["StackName"], self.current)
        _check_resources(scope)
        lookups = StackOutputLookups(self.in_process)
        acts_later = wanted.role_arn is not None
        await lookups.complete(self.principal, scope, others, later=acts_later)
        await ReferenceLookups(self.in_process).check(self.principal, scope)
        return wanted

    async def _parameters(
        self, template: Template, *, request_of: Template
    ) -> dict[str, ParameterValue]:
        """Return the template's parameters; those that a transform took away from the template of
        the request are no mistake."""
        given = [
            _given(each)
            for each in self.request.get("Parameters") or ()
            if each.get("ParameterKey") not in request_of.parameters
            or each.get("ParameterKey") in template.parameters
        ]
        previous = self.deployed.parameters if self.deployed is not None else {}
        self.hidden.update(_secret_values(template, given, previous))
        found = await resolve_parameters(
            template,
            given,
            previous,
            partial(stored_parameters, self.in_process, self.principal),
        )
        self.hidden.update(secrets_of(found).values)
        return found


def _given(parameter: Mapping[str, Any]) -> GivenParameter:
    return GivenParameter(
        parameter.get("ParameterKey", ""),
        parameter.get("ParameterValue"),
        bool(parameter.get("UsePreviousValue", False)),
    )


def _secret_values(
    template: Template,
    given: Sequence[GivenParameter],
    previous: Mapping[str, ParameterValue],
) -> set[str]:
    """Return the NoEcho values that a request gives, that its template has, or the stack had."""
    secret = {name for name, declared in template.parameters.items() if declared.no_echo}
    values = {each.value for each in given if each.key in secret}
    values |= {template.parameters[name].default for name in secret}
    values |= {each.value for each in previous.values() if each.no_echo}
    return {value for value in values if value} | secrets_of(previous).values


def _tags(request: Mapping[str, Any], deployed: StackState | None) -> Mapping[str, str]:
    """Return the stack's tags; a request without them keeps those that there are."""
    if request.get("Tags") is None:
        return deployed.tags if deployed is not None else {}
    tags = from_pairs(request["Tags"])
    reserved = reserved_key(tags)
    if reserved is not None:
        raise _invalid(  # unverified
            f"Tag key {reserved} is reserved: expected keys that do not begin with aws:."
        )
    return tags


async def _topics(
    in_process: InProcess,
    principal: Principal,
    request: Mapping[str, Any],
    deployed: StackState | None,
) -> Sequence[str]:
    """Return the stack's topics; those that a request names must be there, and the caller must be
    allowed to publish to them, since the stack's events go there in the caller's name."""
    given = request.get("NotificationARNs")
    if given is None:
        return deployed.notification_arns if deployed is not None else ()
    for topic in given:
        await in_process.authorize(principal, "sns:Publish", topic)
        try:
            await in_process.call(principal, "sns", "GetTopicAttributes", {"TopicArn": topic})
        except ServiceError as error:
            if error.code != "AccessDeniedException":
                raise _invalid(f"{topic}: {error.message}") from None  # unverified
    return tuple(given)


def _disables_rollback(request: Mapping[str, Any]) -> bool:
    chosen = request.get("OnFailure") or request.get("OnStackFailure")
    return bool(request.get("DisableRollback")) or chosen == "DO_NOTHING"


def _check_types(template: Template, allowed: Sequence[str] | None) -> None:
    types = sorted({each.type for each in template.resources.values()})
    unknown = [
        each
        for each in types
        if not each.startswith("Custom::") and not resource_schema.known_type(each)
    ]
    if unknown:
        raise _invalid(
            f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]"
        )
    for each in types:
        if allowed and not any(_is_of(each, pattern) for pattern in allowed):
            raise _invalid(
                f"Resource type {each} is not allowed by parameter ResourceTypes "
                f"[{', '.join(allowed)}]"
            )


def _is_of(type_name: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return type_name.startswith(pattern[:-1])
    return type_name == pattern


def _scope(
    wanted: Desired, in_process: InProcess, stack_name: str, current: StackState | None
) -> evaluate.Scope:
    return evaluate.Scope(
        template=wanted.template,
        parameters=wanted.parameters,
        region=in_process.region,
        account_id=in_process.account_id,
        stack_id="" if current is None else current.stack_id,
        stack_name=stack_name if current is None else current.stack_name,
        notification_arns=tuple(wanted.notification_arns),
        exports=wanted.exports,
        other_stacks=wanted.other_stacks,
    )


def _check_resources(scope: evaluate.Scope) -> None:
    """Raise AWS's error for a circle, for a reference to what a condition leaves out, or to what a
    type does not have; and Penstock's own for what it does not do."""
    check_rules(scope)
    unsupported.check_resources(evaluate.active_resources(scope).values())
    conditions = evaluate.conditions(scope)
    found = graph.live_references(scope.template, conditions)
    graph.check_acyclic(graph.dependencies(scope.template, conditions, found))
    check_attributes(scope.template, conditions, found)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationError", message, status=400)
