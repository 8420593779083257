"""The server's services in one process, and resource types' handlers upon them."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Principal, PrincipalKind, Service
from penstock.builds.api import service as codebuild
from penstock.builds.builds import Builds
from penstock.builds.projects import Projects
from penstock.clock import utc_now
from penstock.config import Config
from penstock.containers.certificates import Certificates
from penstock.pipelines.actions.remote_git import GitHubHost
from penstock.pipelines.actions.table import Places
from penstock.pipelines.api import service as codepipeline
from penstock.pipelines.pipelines import Pipelines
from penstock.repositories.api import service as codecommit
from penstock.repositories.hosting import Repositories
from penstock.repositories.remote import RemoteRepositories
from penstock.services.codeconnections import Connections
from penstock.services.codeconnections.api import services as codeconnections
from penstock.services.ecr import Ecr
from penstock.services.ecr.api import service as ecr_service
from penstock.services.ecr.registry_client import DOCKER_MANIFEST, Manifest
from penstock.services.iam import Iam
from penstock.services.iam.api import service as iam_service
from penstock.services.logs import Logs
from penstock.services.logs.api import service as logs
from penstock.services.s3 import Objects
from penstock.services.s3.api import service as s3
from penstock.services.secretsmanager import Secrets
from penstock.services.secretsmanager.api import service as secretsmanager
from penstock.services.sns import Sns
from penstock.services.sns.api import service as sns
from penstock.services.ssm import Parameters
from penstock.services.ssm.api import service as ssm
from penstock.services.sts import Sts
from penstock.services.sts.api import service as sts_service
from penstock.stacks.api import service as cloudformation
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.handlers.handler import Progress, ResourceHandler, ResourceRequest, Succeeded
from penstock.stacks.registration import handlers
from penstock.stacks.stacks import Stacks
from penstock.storage.blobs import Blobs
from penstock.storage.encryption import Cipher
from penstock.storage.log_files import LogFiles
from penstock.storage.outbox import Outbox
from penstock.workloads.functions.api import service as functions_service
from penstock.workloads.functions.functions import Functions
from penstock.workloads.functions.invocations import Invocations
from tests.databases import opened_database

ACCOUNT, REGION = "123456789012", "us-east-1"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/dev/11111111-2222-3333-4444-555555555555"
ROOT = root(ACCOUNT, "AKIAROOTROOTROOTROOT")


class StandInRegistry:
    """Answers as the registry does; `pushed` are digests by repository, tagged v0, v1, …"""

    def __init__(self) -> None:
        self.pushed: dict[str, list[str]] = {}

    async def tags(self, repository: str) -> list[str]:
        return [f"v{n}" for n, _ in enumerate(self.pushed.get(repository, []))]

    async def digest(self, repository: str, reference: str) -> str | None:
        found = self.pushed.get(repository, [])
        if reference.startswith("v") and int(reference[1:]) < len(found):
            return found[int(reference[1:])]
        return reference if reference in found else None

    async def manifest(self, repository: str, reference: str) -> Manifest | None:
        digest = await self.digest(repository, reference)
        return None if digest is None else Manifest(digest, DOCKER_MANIFEST, b"{}")

    async def delete_manifest(self, repository: str, digest: str) -> bool:
        self.pushed[repository].remove(digest)
        return True

    async def close(self) -> None:
        return None


@dataclass
class ResourceWorld:
    """The services, a caller's way to them, and the handlers."""

    in_process: InProcess
    types: Mapping[str, ResourceHandler]
    registry: StandInRegistry
    ecr: Ecr
    objects: Objects

    async def call(self, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation as the account's root, without CloudFormation."""
        return await self.in_process.call(ROOT, service, operation, parameters)

    async def push(self, repository: str) -> None:
        """Put an image into the registry and tell ECR, as the registry's notification does."""
        digest = "sha256:" + "0" * 64
        self.registry.pushed[repository] = [digest]
        await self.ecr.record_push(repository, digest, utc_now(), None)

    async def user(self, name: str = "nobody", *actions: str) -> Principal:
        """A user who may do `actions`."""
        made = (await self.call("iam", "CreateUser", UserName=name))["User"]
        if actions:
            statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            await self.call(
                "iam", "PutUserPolicy", UserName=name, PolicyName="p", PolicyDocument=policy
            )
        arn = made["Arn"]
        return Principal(PrincipalKind.USER, arn, ACCOUNT, made["UserId"], "AKIAUSER", arn)

    def request(
        self, type: str, properties: Mapping[str, Any], logical_id: str = "Thing", **more: Any
    ) -> ResourceRequest:
        tags = {
            "team": "delivery",
            "aws:cloudformation:stack-name": "dev",
            "aws:cloudformation:stack-id": STACK,
            "aws:cloudformation:logical-id": logical_id,
        }
        given = ResourceRequest(
            stack_id=STACK, stack_name="dev", region=REGION, account_id=ACCOUNT,
            logical_resource_id=logical_id, resource_type=type, properties=properties,
            previous_properties={}, physical_resource_id=None, tags=tags, previous_tags=tags,
            client_request_token=f"token of {logical_id}", resumed=False, principal=ROOT,
            now=utc_now(),
        )  # fmt: skip
        return msgspec.structs.replace(given, **more)

    async def create(
        self, type: str, properties: Mapping[str, Any], logical_id: str = "Thing", **more: Any
    ) -> Progress:
        request = self.request(type, properties, logical_id, **more)
        return await self.types[type].create(request, None)

    async def made(
        self, type: str, properties: Mapping[str, Any], logical_id: str = "Thing", **more: Any
    ) -> Succeeded:
        made = await self.create(type, properties, logical_id, **more)
        assert isinstance(made, Succeeded), made
        return made

    async def update(
        self,
        type: str,
        made: Succeeded,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        **more: Any,
    ) -> Progress:
        request = self.request(
            type, after, previous_properties=before, attributes=made.attributes,
            physical_resource_id=made.physical_resource_id, **more,
        )  # fmt: skip
        return await self.types[type].update(request, None)

    async def delete(
        self, type: str, made: Succeeded, properties: Mapping[str, Any], **more: Any
    ) -> Progress:
        request = self.request(
            type, properties, physical_resource_id=made.physical_resource_id,
            attributes=made.attributes, **more,
        )  # fmt: skip
        return await self.types[type].delete(request, None)

    async def read(
        self, type: str, made: Succeeded, properties: Mapping[str, Any]
    ) -> Succeeded | None:
        request = self.request(type, properties, physical_resource_id=made.physical_resource_id)
        return await self.types[type].read(request)


@contextlib.asynccontextmanager
async def resource_world(directory: Path) -> AsyncIterator[ResourceWorld]:
    """Build every service that resource types stand on, on a database of its own."""
    with opened_database(directory) as database:
        place = {"account_id": ACCOUNT, "region": REGION}
        config = Config(directory, **place)
        cipher = Cipher.open(directory / "key")
        iam = Iam(database, cipher, ACCOUNT, utc_now)
        sts = Sts(iam)
        blobs = Blobs(directory / "blobs")
        objects = Objects(database, blobs, utc_now, region=REGION)
        repositories = Repositories(database, directory / "repositories", utc_now, **place)
        builds = Builds(database, config, utc_now)
        services: list[Service] = []
        in_process = InProcess(
            lambda: services, iam.authorize, ACCOUNT, REGION, utc_now, config.endpoint_url
        )
        secrets = Secrets(database, cipher, utc_now, **place)
        places = Places(
            builds=builds,
            repositories=repositories,
            remotes=RemoteRepositories(repositories.git),
            connections=Connections(database, secrets, utc_now, **place),
            objects=objects,
            in_process=in_process,
            github=GitHubHost("https://github.invalid", cipher.decrypt),
            change_sets=lambda: change_sets,
            console_url="http://127.0.0.1/console",
        )
        pipelines = Pipelines(
            database, Outbox(database), places, iam, sts, cipher, utc_now, REGION, ACCOUNT
        )
        signing = Certificates(directory, REGION, utc_now).registry_signing
        ecr = Ecr(
            database, iam.authorize, utc_now, registry_url=lambda: None, ca=None,
            signing_key_pem=signing.key_pem, signing_certificate_pem=signing.certificate_pem,
            **place,
        )  # fmt: skip
        logs_kept = Logs(database, LogFiles(directory / "logs"), utc_now, **place)
        functions = Functions(database, blobs, cipher, sts, utc_now, **place)
        invocations = Invocations(database, functions, logs_kept, cipher, utc_now)
        registry = StandInRegistry()
        ecr.client = registry  # type: ignore[assignment]
        services += [
            codebuild(builds, Projects(database, config, utc_now, sts)),
            codecommit(repositories),
            codepipeline(pipelines),
            ecr_service(ecr),
            functions_service(functions, invocations, objects),
            iam_service(iam),
            logs(logs_kept),
            s3(objects),
            secretsmanager(secrets),
            sns(Sns(database, utc_now, ACCOUNT, REGION, sends_mail=True)),
            *codeconnections(places.connections),
            ssm(Parameters(database, cipher, utc_now, **place)),
            sts_service(sts),
        ]
        stacks = Stacks(
            database, Outbox(database), cipher, in_process, sts, utc_now,
            lambda: handlers(in_process, stacks), ACCOUNT, REGION,
        )  # fmt: skip
        change_sets = ChangeSets(database, cipher, stacks, in_process, utc_now)
        services.append(cloudformation(stacks, change_sets))
        await repositories.start()
        await stacks.start()
        yield ResourceWorld(in_process, handlers(in_process, stacks), registry, ecr, objects)
        await stacks.close()
        await repositories.close()
