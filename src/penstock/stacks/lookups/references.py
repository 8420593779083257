"""What dynamic references say, looked up where a handler is called, as whom the stack acts as.

Nothing of it is stored: a call gets the values, and of what it answers the secrets are taken out
again (docs/adr/0035-values-from-elsewhere.md). Texts of AWS: `Secrets Manager can't find …` as in
aws-cloudformation/cloudformation-coverage-roadmap#1187, `Could not find a value …` #1822.
"""

import contextlib
import dataclasses
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock import ids
from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.aws.tags import CLOUDFORMATION
from penstock.stacks.display import SHORTEST_PART, Secrets
from penstock.stacks.handlers.handler import (
    Failed,
    InProgress,
    Progress,
    ResourceRequest,
    Succeeded,
)
from penstock.stacks.intrinsics.function import text_of
from penstock.stacks.schemas import property_rules, resource_schema
from penstock.stacks.template import evaluate
from penstock.stacks.template.dynamic_references import (
    MOST_REFERENCES,
    SSM_SECURE,
    DynamicReference,
    OfParameterStore,
    OfSecretsManager,
    cannot_be_found,
    dynamic_references,
    parsed,
    referring_texts,
    replaced,
)
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.parameters import SsmParameter
from penstock.stacks.template.scope import Scope
from penstock.stacks.template.written_references import written_scope

_MOST_NAMES = 10
"""In one GetParameters."""
_MARK = "resolve:"
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")


@dataclass(frozen=True, slots=True)
class Lookups:
    """The values of references, by how they are written. `lists` are those of StringLists."""

    values: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict)
    """What nobody may be shown: those of the values, and the properties' texts that have one in
    them, by how they are written."""
    written: Mapping[str, Any] = field(default_factory=dict)
    """The properties as the template has them, with references."""
    made_up: frozenset[str] = frozenset()
    """The attributes that the service makes up, such as ARNs: no copies of properties."""

    def applied(self, value: Any) -> Any:
        """Return a value with its references replaced."""
        return replaced(value, self.values, self.lists)

    def request(self, request: ResourceRequest) -> ResourceRequest:
        """Return the request with values in it.

        A single text that refers to the same as before stays text in `previous_properties`: its
        value may have changed meanwhile, and an update brings the new one, as on AWS.
        """
        if not self.values:
            return request
        return msgspec.structs.replace(
            request,
            properties=self.applied(request.properties),
            previous_properties=self._previous(request.previous_properties, request.properties),
            attributes=self.applied(request.attributes),
        )

    def context(self, context: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return a handler's context with values in it."""
        return None if context is None else dict(self.applied(context))

    def answer(self, progress: Progress) -> Progress:
        """Return what a handler answers without secrets: where it hands one on, the reference
        stands instead, so that whoever reads it looks it up; messages are masked.

        What a service makes up stays as it is: a database's name is in a secret, too, and the same
        word in an ARN is no part of it.
        """
        if not self.secret:
            return progress
        match progress:
            case Succeeded():
                found = {key: self._given(key, each) for key, each in progress.attributes.items()}
                return dataclasses.replace(progress, attributes=found)
            case InProgress():
                return dataclasses.replace(
                    progress,
                    callback_context=self._referring(progress.callback_context),
                    reason=None if progress.reason is None else self.masked(progress.reason),
                )
            case Failed():
                return dataclasses.replace(progress, message=self.masked(progress.message))

    def masked(self, text: str) -> str:
        """Return a text without the secrets."""
        return str(Secrets(frozenset(self.secret.values())).masked(text))

    def _previous(self, before: Any, after: Any) -> Any:
        """Items of lists are always values: handlers tell them apart by what they are."""
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            return {key: self._previous(each, after.get(key)) for key, each in before.items()}
        same = isinstance(before, str) and before == after
        return before if same else self.applied(before)

    def _given(self, name: str, value: Any) -> Any:
        """Return an attribute with references: where it copies a property, with those of it."""
        if name in self.written:
            given = self.written[name]
            if not any(each.text in self.secret for each in dynamic_references(given)):
                return value
            return given if self.applied(given) == value else self._referring(value)
        return value if name in self.made_up else self._referring(value)

    def _referring(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._referring(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self._referring(item) for item in value]
        return self._reference_for(value) if isinstance(value, str) else value

    def _reference_for(self, text: str) -> str:
        """Return a text with references in place of secrets, all at once: a reference that was
        put in is not looked through again."""
        written = {value: reference for reference, value in self.secret.items()}
        if text in written:
            return written[text]
        if text.startswith("arn:"):
            return text
        parts = sorted((one for one in written if len(one) >= SHORTEST_PART), key=len)
        if not parts:
            return text
        pattern = "|".join(map(re.escape, reversed(parts)))
        return re.sub(pattern, lambda match: written[match[0]], text)


class ReferenceLookups:
    """Looks references up in Parameter Store and Secrets Manager of this server."""

    def __init__(self, in_process: InProcess) -> None:
        self._in_process = in_process

    async def of_request(
        self,
        request: ResourceRequest,
        unwritten: Collection[str] = (),
        unwritten_before: Collection[str] = (),
        *,
        deleting: bool,
    ) -> Lookups:
        """Return what the references in a request's properties say.

        `unwritten` are texts in them that only look like references, `unwritten_before` those in
        what was before; they stay text, and attributes and contexts have no references but those
        of properties. Raises ServiceError for those in its properties that cannot be looked up; of
        a resource that is deleted, and of what was before, they stay as they are written.
        """
        wanted = [
            one for one in dynamic_references(request.properties) if one.text not in unwritten
        ]
        known = {*unwritten, *unwritten_before, *(each.text for each in wanted)}
        before = dynamic_references(request.previous_properties)
        optional = [each for each in before if each.text not in known]
        if deleting:
            wanted, optional = [], wanted
        if not wanted and not optional:
            return _NOTHING
        if request.resource_type.startswith(_CUSTOM):  # secrets stay text in them, as on AWS
            wanted = [each for each in wanted if not each.secret]
            optional = [each for each in optional if not each.secret]
        found = _Found(self._in_process, request.principal)
        for each in wanted:
            await found.add(each)
        for each in optional:
            try:
                await found.add(each)
            except ServiceError:
                continue
        lookups = found.lookups()
        if not deleting:
            _check_values(request, lookups)
        schema = resource_schema.schema(request.resource_type)
        return dataclasses.replace(
            lookups,
            secret=_hidden(lookups, request.properties),
            written=request.properties,
            made_up=frozenset(path[0] for path in schema.read_only) if schema else frozenset(),
        )

    async def of_text(
        self, principal: Principal, text: str, unwritten: Collection[str] = ()
    ) -> str:
        """Return an output's text with the parameters of Parameter Store that it names; secrets
        stay as they are written, as on AWS (aws-cloudformation/…-coverage-roadmap#689), and so
        does what is `unwritten`."""
        found = _Found(self._in_process, principal)
        for each in dynamic_references(text):
            if not each.secret and each.text not in unwritten:
                await found.add(each)
        return str(found.lookups().applied(text))

    async def check(self, principal: Principal, scope: Scope) -> None:
        """Raise ValidationError for references, as far as they are known yet, that are too many or
        of a wrong form, and for parameters that there are none of, as AWS does before it begins.

        What `principal` may not read is left to the stack's role, when its turn comes.
        """
        references = _known_references(scope)
        if len(references) > MOST_REFERENCES:  # unverified
            raise invalid(
                f"Number of dynamic references, {len(references)}, is greater than maximum "
                f"allowed, {MOST_REFERENCES}"
            )
        missing: dict[str, None] = {}
        found = _Found(self._in_process, principal)
        for each in references:
            if each.secret:
                parsed(each)
                continue
            try:
                await found.add(each)
            except _NotFound:
                missing[f"{each.service}:{each.reference}"] = None
            except ServiceError as error:
                if not error.code.startswith("AccessDenied"):
                    raise
        if missing:
            raise cannot_be_found(list(missing))


async def stored_parameters(
    in_process: InProcess, principal: Principal, names: Sequence[str]
) -> dict[str, SsmParameter]:
    """Return the parameters of these names, each perhaps with a version, that there are."""
    found = {}
    some = [name for name in names if name]
    for start in range(0, len(some), _MOST_NAMES):
        wanted = some[start : start + _MOST_NAMES]
        answer = await in_process.call(
            principal, "ssm", "GetParameters", {"Names": wanted}, via=CLOUDFORMATION
        )
        for each in answer["Parameters"]:
            selector = each.get("Selector") or ""
            for name in (each["Name"], each["ARN"]):
                found[f"{name}{selector}"] = SsmParameter(each["Type"], each["Value"])
    return found


_NOTHING = Lookups()


def _known_references(scope: Scope) -> list[DynamicReference]:
    """Return the references that are known before anything is made, in the template's order."""
    given = (each.effective for each in scope.parameters.values())
    if _MARK not in scope.template.body and not any(_MARK in text for text in given):
        return []
    values: list[Any] = []
    with contextlib.suppress(ServiceError):  # what cannot be evaluated, the planner tells
        scope = written_scope(scope)
        values += (evaluate.properties(scope, each) for each in evaluate.active_resources(scope))
        values += (each.value for each in evaluate.outputs(scope))
    return dynamic_references(values)


class _NotFound(ServiceError):
    """There is no such parameter, or version of it."""


class _Found:
    """Collects values, each looked up once."""

    def __init__(self, in_process: InProcess, principal: Principal) -> None:
        self._in_process = in_process
        self._principal = principal
        self._values: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}
        self._secret: dict[str, str] = {}

    def lookups(self) -> Lookups:
        return Lookups(self._values, self._lists, self._secret)

    async def add(self, reference: DynamicReference) -> None:
        """Look one reference up. Raises ServiceError with the words of AWS's event."""
        if reference.text in self._values:
            return
        named = parsed(reference)
        if isinstance(named, OfParameterStore):
            value = await self._parameter(reference, named)
        else:
            value = await self._secret_value(named)
        self._values[reference.text] = value
        if reference.secret and value:
            self._secret[reference.text] = value

    async def _parameter(self, reference: DynamicReference, named: OfParameterStore) -> str:
        wanted = {"Names": [named.selector], "WithDecryption": reference.service == SSM_SECURE}
        answer = await self._call("ssm", "GetParameters", wanted)
        if not answer["Parameters"]:
            message = cannot_be_found([f"{reference.service}:{reference.reference}"]).message
            raise _NotFound("ValidationError", message, status=400)
        parameter = answer["Parameters"][0]
        secure = parameter["Type"] == "SecureString"
        if secure != (reference.service == SSM_SECURE):  # unverified
            used, kind = ("Non-secure", "secure") if secure else ("Secure", "non-secure")
            raise invalid(f"{used} ssm prefix was used for {kind} parameter: {named.selector}")
        value = str(parameter["Value"])
        if parameter["Type"] == "StringList":
            self._lists[reference.text] = value.split(",")
        return value

    async def _secret_value(self, named: OfSecretsManager) -> str:
        wanted = {"SecretId": named.secret_id}
        if named.version_stage is not None:
            wanted["VersionStage"] = named.version_stage
        if named.version_id is not None:
            wanted["VersionId"] = named.version_id
        try:
            answer = await self._call("secretsmanager", "GetSecretValue", wanted)
        except ServiceError as error:
            raise ServiceError(
                error.code,
                f"{error.message} (Service: AWSSecretsManager; Status Code: "
                f"{error.status or 400}; Error Code: {error.code}; Request ID: "
                f"{ids.new_uuid()}; Proxy: null)",
                status=error.status,
            ) from None
        text = answer.get("SecretString")
        if text is None:  # unverified
            raise invalid(f"Secret {named.secret_id} is binary: it has no SecretString")
        return str(text) if named.json_key is None else _member(str(text), named.json_key)

    async def _call(self, service: str, operation: str, wanted: Mapping[str, Any]) -> Any:
        return await self._in_process.call(
            self._principal, service, operation, wanted, via=CLOUDFORMATION
        )


def _member(text: str, key: str) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid("Could not parse SecretString JSON") from None
    value = document.get(key) if isinstance(document, dict) else None
    if value is None:
        raise invalid("Could not find a value associated with JSONKey in SecretString")
    found = text_of(value)
    return json.dumps(value) if found is None else found


def _hidden(lookups: Lookups, properties: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the secrets, and the texts with secrets in them: of a text, a short secret is known
    by the whole alone."""
    texts = {
        text: str(lookups.applied(text))
        for text in referring_texts(properties)
        if any(each.text in lookups.secret for each in dynamic_references(text))
    }
    return {**texts, **lookups.secret}


def _check_values(request: ResourceRequest, lookups: Lookups) -> None:
    """Raise ValidationError for values that the type's schema does not allow: before, only the
    references were known. The message names places and rules, never a value."""
    schema = resource_schema.schema(request.resource_type)
    if schema is None or not lookups.values:
        return
    before = property_rules.problems(schema, request.properties)  # told at the resource's turn
    found = property_rules.problems(schema, lookups.applied(request.properties))
    wrong = [each for each in found if each not in before]
    if wrong:
        raise invalid(lookups.masked(property_rules.failure(request.logical_resource_id, wrong)))
