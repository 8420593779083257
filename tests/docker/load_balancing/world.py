"""Load balancing alone, on the real engine, called as its API is."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Principal
from penstock.clock import utc_now
from penstock.containers.certificates import Certificates
from penstock.containers.engine import Engine, EngineRefusal
from penstock.containers.images import Images
from penstock.storage.database import Database
from penstock.workloads.container_instance import ec2_instance_id
from penstock.workloads.load_balancing import api
from penstock.workloads.load_balancing.load_balancing import LoadBalancing
from penstock.workloads.load_balancing.proxy import Proxy
from tests.docker.load_balancing.backends import Backend

ACCOUNT, REGION = "123456789012", "us-east-1"
SUBNETS = ["subnet-1", "subnet-2"]


async def _allowed(principal: Principal, action: str, resource: str, context: Any = None) -> None:
    pass


class World:
    def __init__(self, directory: Path, database: Database, instance_id: str) -> None:
        self.engine = Engine()
        self.instance_id = instance_id
        self.database = database
        self._certificates = Certificates(directory, REGION, utc_now)
        self.load_balancing = self._make()
        self._principal = root(ACCOUNT, "AKIAROOTROOTROOTROOT")

    def _make(self, address: str | None = None) -> LoadBalancing:
        return LoadBalancing(
            self.database,
            utc_now,
            account_id=ACCOUNT,
            region=REGION,
            instance_id=self.instance_id,
            address=address,
        )

    @property
    def proxy(self) -> Proxy:
        images = Images(self.engine, progress=lambda line: None)
        return Proxy(self.engine, images, self._certificates, self.instance_id)

    def attach(self) -> None:
        self.load_balancing.attach(self.proxy)

    async def restart(self, address: str | None = None) -> None:
        """What a server does that was killed: another object on the same database."""
        await self.load_balancing.close()
        self.load_balancing = self._make(address)

    async def call(self, operation: str, **parameters: Any) -> Any:
        in_process = InProcess(
            services=lambda: [api.service(self.load_balancing)],
            authorize=_allowed,
            account_id=ACCOUNT,
            region=REGION,
            clock=utc_now,
            endpoint_url="http://127.0.0.1:4600",
        )
        return await in_process.call(self._principal, "elbv2", operation, parameters)

    async def load_balancer(self, name: str) -> Any:
        made = await self.call("CreateLoadBalancer", Name=name, Subnets=SUBNETS)
        return made["LoadBalancers"][0]

    async def target_group(self, name: str, **settings: Any) -> str:
        made = await self.call(
            "CreateTargetGroup",
            **{
                "Name": name,
                "Protocol": "HTTP",
                "Port": 80,
                "VpcId": "vpc-1",
                "TargetType": "instance",
                "HealthCheckPath": "/health",
                "HealthCheckIntervalSeconds": 5,
                "HealthCheckTimeoutSeconds": 2,
                "HealthyThresholdCount": 2,
                "UnhealthyThresholdCount": 2,
                **settings,
            },
        )
        arn: str = made["TargetGroups"][0]["TargetGroupArn"]
        return arn

    async def listener(self, balancer: Any, group: str, port: int = 80) -> str:
        made = await self.call(
            "CreateListener",
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=port,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        arn: str = made["Listeners"][0]["ListenerArn"]
        return arn

    async def register(self, group: str, *backends: Backend) -> None:
        await self.call("RegisterTargets", TargetGroupArn=group, Targets=self._targets(backends))

    async def deregister(self, group: str, *backends: Backend) -> None:
        await self.call("DeregisterTargets", TargetGroupArn=group, Targets=self._targets(backends))

    def _targets(self, backends: tuple[Backend, ...]) -> list[dict[str, Any]]:
        mine = ec2_instance_id(self.instance_id)
        return [{"Id": mine, "Port": backend.port} for backend in backends]

    async def health(self, group: str) -> dict[int, Any]:
        found = await self.call("DescribeTargetHealth", TargetGroupArn=group)
        return {
            one["Target"]["Port"]: one["TargetHealth"] for one in found["TargetHealthDescriptions"]
        }

    async def until(self, condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - what is observed tells no other way
                await asyncio.sleep(0.05)

    async def until_healthy(self, group: str, *backends: Backend) -> None:
        async def healthy() -> bool:
            states = await self.health(group)
            return all(states.get(one.port, {}).get("State") == "healthy" for one in backends)

        await self.until(healthy)

    async def until_gone(self, group: str, *backends: Backend) -> None:
        async def gone() -> bool:
            return not {one.port for one in backends} & (await self.health(group)).keys()

        await self.until(gone)

    async def container(self) -> Any | None:
        try:
            return await self.engine.json("GET", f"containers/{self.proxy.name}/json")
        except EngineRefusal:
            return None

    async def close(self) -> None:
        await self.load_balancing.close()
        await self.proxy.remove()
        await self.engine.close()
