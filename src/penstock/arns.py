"""Amazon Resource Names: build, split and match.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN's six parts; `resource` keeps its own separators (`role/x`, `log-group:x`)."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    def __str__(self) -> str:
        return (
            f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:{self.resource}"
        )


def arn(service: str, region: str, account_id: str, resource: str) -> str:
    """Return an ARN of partition `aws`; pass an empty region or account where AWS has none."""
    return str(Arn("aws", service, region, account_id, resource))


def parse_arn(text: str) -> Arn:
    """Split `text`; raise ValueError naming it when it is not an ARN."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2]:
        raise ValueError(f"expected an ARN of the form arn:aws:service:..., found {text!r}")
    return Arn(*parts[1:])


def resource_of(text: str, kind: str) -> str | None:
    """Return what follows `kind` (`project/`) in an ARN's resource; None for any other text.

    What a request names and what it is authorized for must be read alike: an ARN is only what
    `parse_arn` reads as one, never a text with an ARN's end.
    """
    try:
        resource = parse_arn(text).resource
    except ValueError:
        return None
    return resource.removeprefix(kind) if resource.startswith(kind) else None


def who(principal: str) -> str:
    """Return whom an ARN names, for people: `ann`, `root`, or a session as `role/session`.

    A session names itself: only its role tells it from the user of that name. Any other text is
    returned as it is.
    """
    try:
        resource = parse_arn(principal).resource
    except ValueError:
        return principal
    kind, _, name = resource.partition("/")
    return name if kind == "assumed-role" else resource.rpartition("/")[2]
