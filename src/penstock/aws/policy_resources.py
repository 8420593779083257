"""What IAM checks of a Resource in an identity's policy; source of the texts: policy_document."""

_PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "*")
_PARTS = 6
_IAM_PATHS = (
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
)


class MalformedPolicy(ValueError):
    """The document is none; the text is IAM's MalformedPolicyDocument message."""


def is_legacy_arn(resource: str) -> bool:
    """Return whether IAM's older parser, which sees ARNs of partition aws only, reads this one."""
    parts = resource.split(":", _PARTS - 1)
    if parts[:2] != ["arn", "aws"] or len(parts) < 3:
        return True
    return bool(parts[2]) and (len(parts) in (3, _PARTS) or resource.endswith("*"))


def check_resource(resource: str) -> None:
    """Raise MalformedPolicy unless this is `*` or an ARN, perhaps with wildcards or cut short."""
    if resource == "*":
        return
    parts = resource.split(":", _PARTS - 1)
    if len(parts) < 2:
        raise MalformedPolicy(f'Resource {resource} must be in ARN format or "*".')
    whole = ":".join(["arn", *parts[1:], *["*"] * (_PARTS - len(parts))])
    if parts[1] not in _PARTITIONS and not parts[1].endswith("*"):
        raise MalformedPolicy(f'Partition "{parts[1]}" is not valid for resource "{whole}".')
    if parts[0] != "arn":  # unverified: AWS shows no text for a prefix that is not arn
        raise MalformedPolicy(f'Resource {resource} must be in ARN format or "*".')
    if len(parts) == 2:
        if parts[1].endswith("*"):
            return
        raise MalformedPolicy("Resource vendor must be fully qualified and cannot contain regexes.")
    _check_global(resource, whole.split(":", _PARTS - 1))


def _check_global(resource: str, parts: list[str]) -> None:
    """IAM's and S3's resources are of no region; IAM's are of known kinds."""
    vendor, region, path = parts[2], parts[3], parts[5]
    if region and "*" not in region and vendor == "iam":
        raise MalformedPolicy(f"IAM resource {resource} cannot contain region information.")
    if region and "*" not in region and vendor == "s3":
        raise MalformedPolicy(f"Resource {resource} can not contain region information.")
    known = path == "root" or path.startswith(_IAM_PATHS) or "*" in path.split("/")[0]
    if vendor == "iam" and not known and "$" not in path:
        raise MalformedPolicy(
            f'IAM resource path must either be "*", root, or start with {", ".join(_IAM_PATHS)}.'
        )
