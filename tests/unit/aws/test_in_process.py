"""Operations called in process: validated and authorized as on the wire."""

from collections.abc import Mapping
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Call, Principal, Service
from penstock.clock import utc_now

ACCOUNT = "123456789012"
ROOT = root(ACCOUNT)


class World:
    """A Parameter Store that keeps its calls, and an authorizer that keeps its questions."""

    def __init__(self, denied: str | None = None) -> None:
        self.calls: list[tuple[Call, Mapping[str, Any]]] = []
        self.asked: list[tuple[str, str]] = []
        self.denied = denied
        service = Service("ssm", {"GetParameter": self._get_parameter}, self._meant)
        self.in_process = InProcess(
            lambda: [service], self._authorize, ACCOUNT, "us-east-1", utc_now, "http://here"
        )

    async def _get_parameter(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls.append((call, request))
        return {"Parameter": {"Value": "1"}}

    async def _meant(self, resource: str) -> str:
        return resource.replace("parameter/short", "parameter/long")

    async def _authorize(
        self, principal: Principal, action: str, resource: str, context: Any = None
    ) -> None:
        self.asked.append((action, resource))
        if action == self.denied:
            raise ServiceError("AccessDeniedException", f"not authorized to perform: {action}")


async def test_an_operation_runs_as_the_principal_on_the_resource_that_is_meant() -> None:
    world = World()
    answer = await world.in_process.call(
        ROOT, "ssm", "GetParameter", {"Name": "/short"}, via="cloudformation.amazonaws.com"
    )
    assert answer == {"Parameter": {"Value": "1"}}
    ((call, request),) = world.calls
    assert request == {"Name": "/short"}
    assert (call.principal, call.via) == (ROOT, "cloudformation.amazonaws.com")
    assert (call.service, call.operation, call.region) == ("ssm", "GetParameter", "us-east-1")
    place = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/long"
    assert world.asked == [("ssm:GetParameter", place)]


async def test_who_may_not_is_refused_before_anything_happens() -> None:
    world = World(denied="ssm:GetParameter")
    with pytest.raises(ServiceError, match="not authorized to perform: ssm:GetParameter"):
        await world.in_process.call(ROOT, "ssm", "GetParameter", {"Name": "/a"})
    assert world.calls == []


async def test_a_request_that_breaks_the_model_is_refused_unasked() -> None:
    world = World()
    with pytest.raises(ServiceError) as refused:
        await world.in_process.call(ROOT, "ssm", "GetParameter", {"Name": ""})
    assert refused.value.code == "ValidationException"
    with pytest.raises(ServiceError):
        await world.in_process.call(ROOT, "ssm", "GetParameter")
    assert world.asked == []
    assert world.calls == []


@pytest.mark.parametrize(
    ("service", "operation"), [("ssm", "PutParameter"), ("ecs", "CreateCluster")]
)
async def test_what_is_not_here_says_so(service: str, operation: str) -> None:
    world = World()
    with pytest.raises(ServiceError, match=f"does not offer {operation} of {service}"):
        await world.in_process.call(ROOT, service, operation, {})
    assert world.asked == []
