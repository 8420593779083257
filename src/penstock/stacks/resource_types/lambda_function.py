"""AWS::Lambda::Function.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded, Support
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed, text_of
from penstock.workloads.functions.package import zipped

_LONGEST = 64
_INLINE_CHARACTERS = 4_194_304
_UNSET: Mapping[str, Any] = {
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
"""What an update sends for a property that the template no longer has."""
_CONFIGURATION = frozenset({"Handler", "LoggingConfig", "Role", "Runtime", *_UNSET})
_COMPARED = (_CONFIGURATION - {"LoggingConfig"}) | {
    "Architectures", "FunctionName", "PackageType",
}  # fmt: skip
_LOOKED_UP = "{{resolve:"
_MODULES = {"python": "cfnresponse.py", "nodejs": "cfn-response.js"}
_ENDINGS = {"python": "py", "nodejs": "js"}


class LambdaFunction(ComparedResource):
    """A function; Ref gives its name."""

    support = Support.RUNNING
    service = "lambda"
    properties = frozenset({
        "Architectures", "Code", "FunctionName", "PackageType", "Tags", *_CONFIGURATION,
    })  # fmt: skip
    taken = frozenset({"ResourceConflictException"})
    gone = frozenset({"ResourceNotFoundException"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the function's name."""
        return request.properties.get("FunctionName") or physical_name(request, _LONGEST)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the function with its code and tags."""
        names = {"Architectures", "PackageType", *_CONFIGURATION}
        parameters = self.wanted(request, "CreateFunction", names)
        parameters |= {
            "FunctionName": identity,
            "Code": _code(request),
            "Tags": self.from_list(self.tag_list(request)),
        }
        return _described(await self.call(request, "CreateFunction", parameters))

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Send the code, and then the configuration, where they changed."""
        if not request.previous_properties:
            return {}
        named = {"FunctionName": physical_id}
        differing = [name for name in _CONFIGURATION if changed(request, name)]
        configuration = self.wanted(request, "UpdateFunctionConfiguration", differing)
        for name in differing:
            if name not in request.properties and name in _UNSET:
                configuration[name] = _UNSET[name]
        if "LoggingConfig" in differing and "LoggingConfig" not in request.properties:
            configuration["LoggingConfig"] = {"LogGroup": f"/aws/lambda/{physical_id}"}
        if configuration:
            await self.call(request, "UpdateFunctionConfiguration", {**configuration, **named})
        if changed(request, "Code", "Architectures", "Runtime"):
            code = {**self.wanted(request, "UpdateFunctionCode", {"Architectures"}), **named}
            await self.call(request, "UpdateFunctionCode", {**code, **_code(request)})
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the function; its log group stays, as on AWS."""
        await self.call(request, "DeleteFunction", {"FunctionName": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Get the function."""
        answer = await self.call(request, "GetFunction", {"FunctionName": identity})
        return _described(answer["Configuration"])

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return the function's configuration. Its code is not compared, nor are its variables
        where the template has them looked up elsewhere."""
        named = {"FunctionName": physical_id}
        found = await self.call(request, "GetFunctionConfiguration", named)
        wanted = request.properties.get("LoggingConfig") or {}
        actual = {name: found.get(name) for name in _COMPARED}
        actual["LoggingConfig"] = {name: found["LoggingConfig"].get(name) for name in wanted}
        if _LOOKED_UP in text_of(request.properties.get("Environment") or {}):
            del actual["Environment"]
        return actual

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the function's tags."""
        answer = await self.call(request, "ListTags", {"Resource": found.attributes["Arn"]})
        tags: Mapping[str, str] = answer["Tags"]
        return tags

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Add or overwrite tags, then remove some."""
        resource = {"Resource": request.attributes["Arn"]}
        if added:
            await self.call(request, "TagResource", {**resource, "Tags": dict(added)})
        if removed:
            await self.call(request, "UntagResource", {**resource, "TagKeys": list(removed)})


def _described(configuration: Mapping[str, Any]) -> Succeeded:
    return Succeeded(configuration["FunctionName"], {"Arn": configuration["FunctionArn"]})


def _code(request: ResourceRequest) -> dict[str, Any]:
    """Return the code as the API takes it: a text in the template becomes a .zip file of `index`
    and the module that answers CloudFormation."""
    code = dict(request.properties.get("Code") or {})
    text = code.get("ZipFile")
    if text is None:
        return code
    runtime = str(request.properties.get("Runtime", ""))
    language = next((name for name in _MODULES if runtime.startswith(name)), None)
    if language is None:
        raise ServiceError(  # unverified
            "InvalidParameterValueException",
            f"Code in a template must be Python or Node.js, found the runtime {runtime!r}.",
        )
    if len(text) > _INLINE_CHARACTERS:
        raise ServiceError(
            "InvalidParameterValueException",
            f"Code in a template may have {_INLINE_CHARACTERS} characters, found {len(text)}.",
        )
    module = _MODULES[language]
    packaged = resources.files("penstock.workloads.functions.runtime").joinpath(module)
    files = {f"index.{_ENDINGS[language]}": text.encode(), module: packaged.read_bytes()}
    return {**code, "ZipFile": zipped(files)}
