"""The composition root: every part made once, wired together, started and ended in order."""

import asyncio
import contextlib
import gc
import json
import logging
import signal
import sys
from pathlib import Path

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from penstock import __version__
from penstock.aws.app import aws_app
from penstock.aws.in_process import InProcess
from penstock.aws.own_requests import OwnRequests
from penstock.aws.service import Principal, PrincipalKind, Service
from penstock.builds import api as builds_api
from penstock.builds.builds import Builds
from penstock.builds.execution import Execution
from penstock.builds.plan import Layout
from penstock.builds.preparation import Preparation
from penstock.builds.projects import Projects
from penstock.builds.results import ArtifactStore
from penstock.builds.runner import BuildRunner
from penstock.builds.sources import Sources
from penstock.builds.task import Limits
from penstock.builds.variables import VariableResolver
from penstock.clock import Clock, utc_now
from penstock.config import Config
from penstock.console.app import Console, console_app
from penstock.console.sessions import Sessions
from penstock.containers.certificates import Certificates
from penstock.containers.docker_runner import DockerRunner
from penstock.containers.registry import NOTIFICATIONS_PATH, TOKEN_PATH
from penstock.deployments import Deployments, Foundations
from penstock.errors import EngineError
from penstock.front import Front
from penstock.ids import new_token
from penstock.listeners import Listener
from penstock.notifications import Notifications
from penstock.pipelines import api as pipelines_api
from penstock.pipelines.actions.remote_git import GitHubHost
from penstock.pipelines.actions.table import Places
from penstock.pipelines.approval_view import ApprovalViews
from penstock.pipelines.pipelines import Pipelines
from penstock.pipelines.review import ReviewedChangeSet
from penstock.pipelines.review_endpoints import ReviewEndpoints
from penstock.pipelines.reviews import reviewed_change_set
from penstock.repositories import api as repositories_api
from penstock.repositories.hosting import Repositories
from penstock.repositories.http import GitHttp
from penstock.repositories.remote import RemoteRepositories
from penstock.services.codeconnections import Connections
from penstock.services.codeconnections import api as codeconnections_api
from penstock.services.ecr import Ecr
from penstock.services.ecr import api as ecr_api
from penstock.services.ecr.notifications import NotificationEndpoint
from penstock.services.ecr.token_endpoint import TokenEndpoint
from penstock.services.iam import Iam
from penstock.services.iam import api as iam_api
from penstock.services.logs import Logs
from penstock.services.logs import api as logs_api
from penstock.services.s3 import Objects
from penstock.services.s3 import api as s3_api
from penstock.services.secretsmanager import Secrets
from penstock.services.secretsmanager import api as secretsmanager_api
from penstock.services.sns import api as sns_api
from penstock.services.ssm import Parameters
from penstock.services.ssm import api as ssm_api
from penstock.services.sts import Sts
from penstock.services.sts import api as sts_api
from penstock.services.sts.task_credentials import TaskCredentials
from penstock.stacks.change_sets import review as stack_reviews
from penstock.storage.blobs import Blobs
from penstock.storage.data_directory import DataDirectory, DataDirectoryLocked
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.log_files import LogFiles
from penstock.storage.migrate import migrate
from penstock.storage.outbox import Outbox
from penstock.task_host import TaskHost, write_private

_LOG = logging.getLogger(__name__)
_ENGINE_RETRY_SECONDS = 5.0
_ENGINE_READY = "ready"
_OBJECTS_BETWEEN_COLLECTIONS = 30_000
"""Python's 700 are for programs that make few: one stack makes tens of thousands, all of them kept
or freed without the collector."""

ROOT_CREDENTIALS_FILE = "root-credentials.json"


class Server:
    """One server on one data directory. Made inside a running event loop."""

    def __init__(self, config: Config, data: DataDirectory, clock: Clock = utc_now) -> None:
        self.config = config
        self._data = data
        cipher = self._cipher = Cipher.open(config.key_file or data.keys / "secrets.key")
        self._database = Database.open(data.database_path)
        migrate(self._database.engine)
        self._outbox = Outbox(self._database)
        account = {"account_id": config.account_id, "region": config.region}
        self._clock = clock
        certificates = Certificates(data.certificates, config.region, clock)
        secret = _kept_secret(data.keys / "registry-notifications")

        self._logs = Logs(self._database, LogFiles(data.logs), clock, **account)
        self._secrets = Secrets(self._database, cipher, clock, **account)
        self._parameters = Parameters(self._database, cipher, clock, **account)
        self._iam = Iam(self._database, cipher, config.account_id, clock)
        self._sts = Sts(self._iam)
        self._in_process = InProcess(
            self.services,
            self._iam.authorize,
            clock=clock,
            endpoint_url=config.endpoint_url,
            **account,
        )
        self._objects = Objects(self._database, Blobs(data.blobs), clock, region=config.region)
        self._repositories = Repositories(self._database, data.repositories, clock, **account)
        self._ecr = self._make_ecr(certificates)
        self._builds = Builds(self._database, config, clock)
        self._projects = Projects(
            self._database,
            config,
            clock,
            self._sts,
            forget_cache=self._forget_cache,
        )
        self._credentials = TaskCredentials(self._database, self._sts, clock)
        self._connections = Connections(self._database, self._secrets, clock, **account)
        self._notifications = Notifications(
            config, data.keys, self._database, self._logs, clock, cipher
        )
        self._remotes = RemoteRepositories(self._repositories.git)
        self._pipelines = self._make_pipelines()
        self._deployments = self._make_deployments()
        self._task_host = self._make_task_host(certificates, secret)
        self._console = self._make_console()
        self._listener = Listener(
            self._front(
                authenticate=config.authenticate,
                internal=[
                    Route("/_penstock/health", self._health),
                    *self._notifications.links.routes,
                    self._deployments.response_route,
                    self._token_route(),
                    self._console.login_links,
                    *self._review_routes(),
                ],
                console=self._console,
                sns_links=self._notifications.links,
            ),
            config.host,
            config.port,
        )
        self._runner: BuildRunner | None = None
        self._engine_state = "starting"
        self._engine_task: asyncio.Task[None] | None = None

    def _make_pipelines(self) -> Pipelines:
        return Pipelines(
            self._database,
            self._outbox,
            Places(
                builds=self._builds,
                repositories=self._repositories,
                remotes=self._remotes,
                connections=self._connections,
                objects=self._objects,
                in_process=self._in_process,
                github=GitHubHost(self.config.github_url, self._cipher.decrypt),
                change_sets=lambda: self._deployments.change_sets,
                console_url=f"{self.config.link_url}/console",
                source_seconds=self.config.source_seconds,
            ),
            self._iam,
            self._sts,
            self._cipher,
            self._clock,
            self.config.region,
            self.config.account_id,
        )

    def _make_deployments(self) -> Deployments:
        return Deployments(
            Foundations(
                config=self.config,
                database=self._database,
                outbox=self._outbox,
                cipher=self._cipher,
                clock=self._clock,
                instance_id=self._data.instance_id,
                in_process=self._in_process,
                iam=self._iam,
                sts=self._sts,
                logs=self._logs,
                parameters=self._parameters,
                secrets=self._secrets,
                credentials=self._credentials,
                pull_token=self._ecr.mint,
                objects=self._objects,
                function_code=Blobs(self._data.functions),
            )
        )

    def _make_ecr(self, certificates: Certificates) -> Ecr:
        return Ecr(
            self._database,
            self._iam.authorize,
            self._clock,
            registry_url=lambda: self._task_host.registry_url,
            ca=certificates.ca.certificate,
            signing_key_pem=certificates.registry_signing.key_pem,
            signing_certificate_pem=certificates.registry_signing.certificate_pem,
            account_id=self.config.account_id,
            region=self.config.region,
        )

    def _make_console(self) -> Console:
        return console_app(
            self._in_process,
            self._outbox,
            Sessions(self._database, self._iam.find_credential, self._clock),
            own_host=self.config.host,
            public_url=self.config.public_url,
            port=self.config.port,
            authenticate=self.config.authenticate,
            support=self._deployments.support,
            reviewed=self._reviewed_change_set,
        )

    async def _reviewed_change_set(self, arn: str) -> ReviewedChangeSet:
        return reviewed_change_set(await stack_reviews.review(self._deployments.change_sets, arn))

    def _make_task_host(self, certificates: Certificates, notification_secret: str) -> TaskHost:
        return TaskHost(
            self.config,
            self._data,
            certificates,
            notification_secret,
            tls_app=self._front(
                authenticate=True,
                internal=[self._token_route(), self._deployments.response_route],
                for_tasks=True,
            ),
            http_app=Starlette(
                routes=[
                    Route("/v2/credentials/{token}", self._role_credentials),
                    Route(
                        NOTIFICATIONS_PATH,
                        NotificationEndpoint(self._ecr, notification_secret),
                        methods=["POST"],
                    ),
                ]
            ),
        )

    def services(self) -> list[Service]:
        """Every AWS service that answers here."""
        return [
            builds_api.service(self._builds, self._projects),
            pipelines_api.service(self._pipelines),
            repositories_api.service(self._repositories),
            s3_api.service(self._objects),
            ecr_api.service(self._ecr),
            iam_api.service(self._iam),
            sts_api.service(self._sts),
            secretsmanager_api.service(self._secrets),
            ssm_api.service(self._parameters),
            logs_api.service(self._logs),
            sns_api.service(self._notifications.sns),
            *codeconnections_api.services(self._connections),
            *self._deployments.services(),
        ]

    async def start(self) -> None:
        """Resume what was unfinished and serve; the engine's side comes up in the background."""
        key = await self._iam.ensure_root()
        credentials = {
            "AccessKeyId": key.access_key_id,
            "SecretAccessKey": key.secret_access_key,
            "Endpoint": self.config.endpoint_url,
            "Region": self.config.region,
            "AccountId": self.config.account_id,
        }
        path = self._data.path / ROOT_CREDENTIALS_FILE
        write_private(path, json.dumps(credentials, indent=2).encode())
        await self._logs.start()
        await self._notifications.start()
        await self._objects.start()
        await self._repositories.start()
        await self._remotes.start()
        await self._pipelines.start()
        await self._deployments.start()
        await self._listener.start()
        self._engine_task = asyncio.create_task(self._keep_engine())

    async def close(self) -> None:
        """End in the reverse order; builds go on in their containers and are found again."""
        async with contextlib.AsyncExitStack() as ending:  # whatever one part meets, all end
            ending.callback(self._database.close)
            ending.push_async_callback(self._logs.close)
            ending.push_async_callback(self._notifications.close)
            ending.push_async_callback(self._repositories.close)
            ending.push_async_callback(self._ecr.close)
            ending.push_async_callback(self._task_host.close)
            if self._runner is not None:
                ending.push_async_callback(self._runner.close)
            ending.push_async_callback(self._deployments.close)
            ending.push_async_callback(self._pipelines.close)
            if self._engine_task is not None:
                self._engine_task.cancel()
                await asyncio.wait([self._engine_task])
            await self._console.close()
            await asyncio.gather(self._listener.close(), self._task_host.stop_listening())

    async def _keep_engine(self) -> None:
        """Try until the engine answers, and go on asking; builds wait in their queue meanwhile."""
        while True:
            try:
                await self._reach_engine()
                state = _ENGINE_READY
            except EngineError as error:
                state = str(error)
            except Exception:  # noqa: BLE001 (a boundary: without this task nothing is built)
                _LOG.exception("the container engine could not be made ready")
                state = "an internal error, see the server's log"
            if state != self._engine_state:
                if state == _ENGINE_READY:
                    _LOG.info("the container engine is ready for builds")
                else:
                    _LOG.warning("no container engine, builds wait: %s", state)
            self._engine_state = state
            await asyncio.sleep(_ENGINE_RETRY_SECONDS)

    async def _reach_engine(self) -> None:
        if self._runner is not None:
            await self._task_host.check()
            return
        docker = await self._task_host.start()
        runner = self._build_runner(docker)
        await runner.start()
        await self._deployments.attach(docker, self._task_host.proxy())
        self._runner = runner

    async def _forget_cache(self, project_arn: str) -> None:
        await self._task_host.forget_cache(project_arn)

    def _build_runner(self, docker: DockerRunner) -> BuildRunner:
        preparation = Preparation(
            self.config,
            self._clock,
            docker,
            self._iam,
            self._credentials,
            Sources(self._objects, self._repositories),
            VariableResolver(self._parameters, self._secrets),
            self._ecr.mint,
            Limits(),
            Layout(),
        )
        execution = Execution(
            self._database,
            self._clock,
            self._cipher,
            docker,
            self._logs,
            preparation,
            ArtifactStore(self._objects),
        )
        return BuildRunner(self._builds, docker, self._credentials, execution)

    def _front(
        self,
        *,
        authenticate: bool,
        internal: list[Route],
        console: ASGIApp | None = None,
        sns_links: ASGIApp | None = None,
        for_tasks: bool = False,
    ) -> ASGIApp:
        aws = aws_app(
            self.services(),
            find_credential=self._iam.find_credential,
            authorize=self._iam.authorize,
            account_id=self.config.account_id,
            region=self.config.region,
            clock=utc_now,
            authenticate=authenticate,
            for_tasks=for_tasks,
        )
        git = GitHttp(
            self._repositories,
            self._iam.find_credential,
            self._iam.authorize,
            anonymous=None if authenticate else root_principal(self.config.account_id),
        )
        own_host = None if authenticate else self.config.host
        return Front(aws, git, Starlette(routes=internal), own_host, console, sns_links)

    def _token_route(self) -> Route:
        return Route(TOKEN_PATH, TokenEndpoint(self._ecr), methods=["GET", "POST"])

    def _review_routes(self) -> list[Route]:
        config, authorize = self.config, self._iam.authorize
        place = {"region": config.region, "account_id": config.account_id}
        return ReviewEndpoints(
            OwnRequests(self._iam.find_credential, config.region, self._clock),
            self._in_process,
            ApprovalViews(self._database, authorize, self._clock, **place),
            lambda: self._deployments.change_sets,
            own_host=None if config.authenticate else config.host,
        ).routes()

    async def _health(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "status": "ok",
                "version": __version__,
                "engine": self._engine_state,
                "instance": self._data.instance_id,
            }
        )

    async def _role_credentials(self, request: Request) -> Response:
        found = await self._credentials.credentials_for_token(request.path_params["token"])
        if found is None:
            return PlainTextResponse("No Task has this credentials address.\n", 404)
        return JSONResponse(found)


def root_principal(account_id: str) -> Principal:
    """The account's root, as whom everyone acts under `--no-auth`."""
    return Principal(
        PrincipalKind.ROOT, f"arn:aws:iam::{account_id}:root", account_id, account_id, ""
    )


def _kept_secret(path: Path) -> str:
    """Return the token kept at `path`, made at the first call."""
    if not path.exists():
        write_private(path, new_token().encode())
    return path.read_text()


def run(config: Config) -> int:
    """Serve until SIGTERM or SIGINT; return the process's exit status."""
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        data = DataDirectory.open(config.data_dir)
    except (DataDirectoryLocked, OSError) as error:
        sys.stderr.write(f"penstock: {error}\n")
        return 1
    try:
        return uvloop.run(_serve(config, data))
    except (EngineError, OSError) as error:  # a port that is taken, a key or database of others
        sys.stderr.write(f"penstock: {error}\n")
        return 1
    finally:
        data.close()


async def _serve(config: Config, data: DataDirectory) -> int:
    server = Server(config, data)
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    await server.start()
    gc.freeze()  # modules and service models stay: collections need not walk through them
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    gc.enable()
    sys.stdout.write(
        f"Penstock {__version__} serves on {config.endpoint_url}\n"
        f'In another terminal: eval "$(penstock env --data-dir {data.path})"\n'
    )
    sys.stdout.flush()
    await ended.wait()
    await server.close()
    return 0
