"""The operations of Secrets Manager."""

from penstock.aws.service import Service, bind
from penstock.services.secretsmanager.api import listing, passwords, secrets, tags, versions
from penstock.services.secretsmanager.secrets import Secrets

OPERATIONS = {
    "CreateSecret": secrets.create_secret,
    "DeleteSecret": secrets.delete_secret,
    "DescribeSecret": listing.describe_secret,
    "GetRandomPassword": passwords.get_random_password,
    "GetSecretValue": versions.get_secret_value,
    "ListSecretVersionIds": versions.list_secret_version_ids,
    "ListSecrets": listing.list_secrets,
    "PutSecretValue": versions.put_secret_value,
    "RestoreSecret": secrets.restore_secret,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateSecret": secrets.update_secret,
    "UpdateSecretVersionStage": versions.update_secret_version_stage,
}


def service(domain: Secrets) -> Service:
    """Return Secrets Manager on `domain`."""
    return Service("secretsmanager", bind(domain, OPERATIONS), domain.resource_meant)
