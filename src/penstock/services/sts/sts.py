"""Who may become which role, and the credentials that they get.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-req-context.html
"""

from collections.abc import Mapping, Sequence

from penstock.arns import arn, parse_arn
from penstock.aws.errors import ServiceError
from penstock.aws.policy import Decision, evaluate, evaluate_trust, lower_keys
from penstock.aws.policy_document import MalformedPolicy, PolicyKind, parse_policy
from penstock.aws.service import Principal, PrincipalKind
from penstock.services.iam import managed_policies
from penstock.services.iam.authorization import denied
from penstock.services.iam.credentials import TemporaryCredentials
from penstock.services.iam.iam import Iam
from penstock.services.iam.identity import Role

ASSUME_ROLE = "sts:AssumeRole"
_MOST_CHAINED_SECONDS = 3_600


class Sts:
    """Issues and revokes temporary credentials of one account."""

    def __init__(self, iam: Iam) -> None:
        self._iam = iam
        self._clock = iam.clock

    async def assume_role_for_service(
        self,
        role_arn: str,
        service_principal: str,
        session_name: str,
        duration_seconds: int = 3_600,
        *,
        for_task: bool = False,
    ) -> TemporaryCredentials:
        """Return credentials of a role that trusts a service (`codebuild.amazonaws.com`).

        `for_task` marks them, and all that is assumed with them, as a Task's. A session longer
        than the role's MaxSessionDuration is cut to it: a caller with more work asks again. Raises
        ServiceError AccessDeniedException unless the trust policy allows.
        """
        role = await self._iam.role_by_arn(role_arn)
        context = lower_keys({"sts:RoleSessionName": session_name})
        if role is None or not _trusts(role, "Service", [service_principal], context):
            raise denied(service_principal, ASSUME_ROLE, role_arn)
        seconds = min(duration_seconds, role.max_session_seconds)
        return await self._issue(role, session_name, (), seconds, of_task=for_task)

    async def check_trust(self, role_arn: str, service_principal: str) -> None:
        """Raise AccessDeniedException unless a service may assume the role; issues nothing."""
        role = await self._iam.role_by_arn(role_arn)
        if role is None or not _trusts(role, "Service", [service_principal], {}):
            raise denied(service_principal, ASSUME_ROLE, role_arn)

    async def assume_role(
        self,
        caller: Principal,
        role_arn: str,
        session_name: str,
        duration_seconds: int = 3_600,
        session_policies: Sequence[str] = (),
        external_id: str | None = None,
    ) -> TemporaryCredentials:
        """Return credentials of a role for a caller whom its trust policy and own policies allow.

        Raises ServiceError AccessDeniedException, ValidationError (ARN, duration) or
        MalformedPolicyDocumentException (session policy).
        """
        _check_arn(role_arn)
        if caller.kind is PrincipalKind.ROOT:
            raise ServiceError(
                "AccessDeniedException", "Roles may not be assumed by root accounts."
            )
        role = await self._iam.role_by_arn(role_arn)
        context = {"sts:RoleSessionName": session_name}
        if external_id is not None:
            context["sts:ExternalId"] = external_id
        if role is None or not await self._may_assume(caller, role, context):
            raise denied(caller.arn, ASSUME_ROLE, role_arn)
        _check_duration(caller, role, duration_seconds)
        return await self._issue(
            role, session_name, session_policies, duration_seconds, of_task=caller.of_task
        )

    async def session_token(self, caller: Principal, duration_seconds: int) -> TemporaryCredentials:
        """Return temporary credentials of the same user (or root)."""
        if caller.access_key_id.startswith("ASIA"):
            raise ServiceError(
                "AccessDeniedException", "Cannot call GetSessionToken with session credentials"
            )
        return await self._iam.credentials.issue_session(
            caller.kind,
            caller.arn,
            caller.user_id,
            caller.policy_arn,
            (),
            self._clock(),
            duration_seconds,
        )

    async def account_of(self, access_key_id: str) -> str:
        """Return the account that an access key belongs to; ValidationError for an unknown one."""
        credential = await self._iam.credentials.by_access_key(access_key_id)
        if credential is None:
            raise ServiceError(
                "InvalidClientTokenId", f"The access key {access_key_id} does not exist in this "
                "account; expected one of its AKIA or ASIA keys.",
            )  # fmt: skip
        return credential.principal.account_id

    async def revoke(self, access_key_id: str) -> None:
        """End temporary credentials at once; repeating is safe."""
        await self._iam.credentials.revoke_session(access_key_id)

    async def managed_session_policies(self, arns: Sequence[str]) -> list[str]:
        """Return the documents of managed policies passed to AssumeRole."""
        return await self._iam.read(
            lambda c: [managed_policies.get(c, policy_arn).document for policy_arn in arns]
        )

    async def _may_assume(self, caller: Principal, role: Role, context: Mapping[str, str]) -> bool:
        """A trust policy that names the caller suffices; one that names the account leaves it
        to the caller's own policies. A denial on either side is final."""
        facts = await self._iam.context_of(caller)
        merged = lower_keys({**facts, **context})
        by_name = _trust_decision(role, "AWS", _own_names(caller), merged)
        by_account = _trust_decision(role, "AWS", _account_names(caller), merged)
        if Decision.EXPLICITLY_DENIED in (by_name, by_account):
            return False
        credential = await self._iam.credentials.by_access_key(caller.access_key_id)
        limited = credential is not None and bool(credential.session_policies)
        if by_name is Decision.ALLOWED and not limited:
            return not await self._explicitly_denied(caller, role, merged)
        if Decision.ALLOWED not in (by_name, by_account):
            return False
        await self._iam.authorize(caller, ASSUME_ROLE, role.arn, context)
        return True

    async def _explicitly_denied(
        self, caller: Principal, role: Role, context: Mapping[str, str | Sequence[str]]
    ) -> bool:
        permissions = await self._iam.permissions(caller)
        if permissions is None:
            return True
        decision = evaluate(permissions.policies, ASSUME_ROLE, role.arn, context)
        return decision is Decision.EXPLICITLY_DENIED

    async def _issue(
        self,
        role: Role,
        session_name: str,
        session_policies: Sequence[str],
        seconds: int,
        *,
        of_task: bool,
    ) -> TemporaryCredentials:
        account_id = self._iam.account_id
        for text in session_policies:
            try:
                parse_policy(text, PolicyKind.INLINE)
            except MalformedPolicy as error:
                raise ServiceError("MalformedPolicyDocumentException", str(error)) from error
        return await self._iam.credentials.issue_session(
            PrincipalKind.ASSUMED_ROLE,
            arn("sts", "", account_id, f"assumed-role/{role.name}/{session_name}"),
            f"{role.id}:{session_name}",
            role.arn,
            session_policies,
            self._clock(),
            seconds,
            of_task=of_task,
        )


def _check_arn(text: str) -> None:
    """Text: localstack/localstack tests/aws/services/sts/test_sts.snapshot.json, from AWS."""
    try:
        named = bool(parse_arn(text).resource)
    except ValueError:
        named = False
    if not named:
        raise ServiceError("ValidationError", f"{text} is invalid", status=400)


def _check_duration(caller: Principal, role: Role, seconds: int) -> None:
    if caller.kind is PrincipalKind.ASSUMED_ROLE and seconds > _MOST_CHAINED_SECONDS:
        raise ServiceError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining",
            status=400,
        )
    if seconds > role.max_session_seconds:
        raise ServiceError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            status=400,
        )


def _trust_decision(
    role: Role, kind: str, names: Sequence[str], context: Mapping[str, str | Sequence[str]]
) -> Decision:
    policy = parse_policy(role.trust_policy, PolicyKind.TRUST)
    return evaluate_trust(policy, kind, names, ASSUME_ROLE, context)


def _trusts(
    role: Role, kind: str, names: Sequence[str], context: Mapping[str, str | Sequence[str]]
) -> bool:
    return _trust_decision(role, kind, names, context) is Decision.ALLOWED


def _own_names(caller: Principal) -> list[str]:
    """Return what names this caller alone in a trust policy: its own ARN, and its role's."""
    return [name for name in (caller.arn, caller.policy_arn) if name is not None]


def _account_names(caller: Principal) -> list[str]:
    account_id = caller.account_id
    return [account_id, arn("iam", "", account_id, "root")]
