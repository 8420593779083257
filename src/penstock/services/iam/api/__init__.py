"""The operations of IAM."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from penstock.aws.service import Response, Service, bind
from penstock.services.iam.api import (
    access_keys,
    identity_policies,
    policies,
    roles,
    tags,
    users,
)
from penstock.services.iam.iam import Iam
from penstock.services.iam.identity import Kind

_ROLE, _USER = Kind.ROLE, Kind.USER

OPERATIONS: Mapping[str, Callable[..., Awaitable[Response]]] = {
    "AttachRolePolicy": partial(identity_policies.attach_policy, _ROLE),
    "AttachUserPolicy": partial(identity_policies.attach_policy, _USER),
    "CreateAccessKey": access_keys.create_access_key,
    "CreatePolicy": policies.create_policy,
    "CreatePolicyVersion": policies.create_policy_version,
    "CreateRole": roles.create_role,
    "CreateUser": users.create_user,
    "DeleteAccessKey": access_keys.delete_access_key,
    "DeletePolicy": policies.delete_policy,
    "DeletePolicyVersion": policies.delete_policy_version,
    "DeleteRole": roles.delete_role,
    "DeleteRolePermissionsBoundary": partial(identity_policies.delete_boundary, _ROLE),
    "DeleteRolePolicy": partial(identity_policies.delete_policy, _ROLE),
    "DeleteUser": users.delete_user,
    "DeleteUserPermissionsBoundary": partial(identity_policies.delete_boundary, _USER),
    "DeleteUserPolicy": partial(identity_policies.delete_policy, _USER),
    "DetachRolePolicy": partial(identity_policies.detach_policy, _ROLE),
    "DetachUserPolicy": partial(identity_policies.detach_policy, _USER),
    "GetAccessKeyLastUsed": access_keys.get_access_key_last_used,
    "GetPolicy": policies.get_policy,
    "GetPolicyVersion": policies.get_policy_version,
    "GetRole": roles.get_role,
    "GetRolePolicy": partial(identity_policies.get_policy, _ROLE),
    "GetUser": users.get_user,
    "GetUserPolicy": partial(identity_policies.get_policy, _USER),
    "ListAccessKeys": access_keys.list_access_keys,
    "ListAttachedRolePolicies": partial(identity_policies.list_attached, _ROLE),
    "ListAttachedUserPolicies": partial(identity_policies.list_attached, _USER),
    "ListEntitiesForPolicy": policies.list_entities_for_policy,
    "ListPolicies": policies.list_policies,
    "ListPolicyTags": tags.list_policy_tags,
    "ListPolicyVersions": policies.list_policy_versions,
    "ListRolePolicies": partial(identity_policies.list_policies, _ROLE),
    "ListRoleTags": partial(tags.list_tags, _ROLE),
    "ListRoles": roles.list_roles,
    "ListUserPolicies": partial(identity_policies.list_policies, _USER),
    "ListUserTags": partial(tags.list_tags, _USER),
    "ListUsers": users.list_users,
    "PutRolePermissionsBoundary": partial(identity_policies.put_boundary, _ROLE),
    "PutRolePolicy": partial(identity_policies.put_policy, _ROLE),
    "PutUserPermissionsBoundary": partial(identity_policies.put_boundary, _USER),
    "PutUserPolicy": partial(identity_policies.put_policy, _USER),
    "SetDefaultPolicyVersion": policies.set_default_policy_version,
    "TagPolicy": tags.tag_policy,
    "TagRole": partial(tags.tag, _ROLE),
    "TagUser": partial(tags.tag, _USER),
    "UntagPolicy": tags.untag_policy,
    "UntagRole": partial(tags.untag, _ROLE),
    "UntagUser": partial(tags.untag, _USER),
    "UpdateAccessKey": access_keys.update_access_key,
    "UpdateAssumeRolePolicy": roles.update_assume_role_policy,
    "UpdateRole": roles.update_role,
    "UpdateRoleDescription": roles.update_role_description,
}


def service(iam: Iam) -> Service:
    """Return IAM on `iam`."""
    return Service("iam", bind(iam, OPERATIONS))
