"""The roles that pipelines act as: assumed for each action, and asked before each effect."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal
from penstock.pipelines import structure_messages as messages
from penstock.pipelines.actions.provider import ActionJob
from penstock.pipelines.structure import PipelineStructure
from penstock.services.iam import Iam
from penstock.services.sts import Sts

SERVICE_PRINCIPAL = "codepipeline.amazonaws.com"
_SHORTEST_SESSION_SECONDS = 900


class Roles:
    """Assumes pipeline and action roles as CodePipeline, and evaluates their policies."""

    def __init__(self, iam: Iam, sts: Sts) -> None:
        self._iam = iam
        self._sts = sts

    async def check_trust(self, structure: PipelineStructure) -> None:
        """Raise InvalidStructureException when the pipeline's role does not trust CodePipeline."""
        try:
            await self._sts.check_trust(structure.role_arn, SERVICE_PRINCIPAL)
        except ServiceError:
            raise messages.ROLE_NOT_TRUSTED.error(role=structure.role_arn) from None

    @asynccontextmanager
    async def acting(self, job: ActionJob) -> AsyncIterator[Principal]:
        """Assume the action's role for as long as the block runs.

        An action's own role is reached through the pipeline's, as on AWS: the pipeline's role
        must be allowed `sts:AssumeRole` on it. Raises ServiceError when it cannot be assumed.
        """
        name = job.pipeline_execution_id
        async with AsyncExitStack() as sessions:
            session = await self._sts.assume_role_for_service(
                job.pipeline_role_arn, SERVICE_PRINCIPAL, name, _SHORTEST_SESSION_SECONDS
            )
            sessions.push_async_callback(self._sts.revoke, session.access_key_id)
            if job.role_arn != job.pipeline_role_arn:
                session = await self._sts.assume_role(
                    session.principal, job.role_arn, name, _SHORTEST_SESSION_SECONDS
                )
                sessions.push_async_callback(self._sts.revoke, session.access_key_id)
            yield session.principal

    async def require(self, principal: Principal, action: str, resource: str) -> None:
        """Raise ServiceError AccessDeniedException unless the role may do this."""
        await self._iam.authorize(principal, action, resource)
