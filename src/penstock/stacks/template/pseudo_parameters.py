"""The names that every template may refer to without declaring them.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
"""

from penstock.stacks.intrinsics.function import NO_VALUE, NoValue

PSEUDO_PARAMETERS = frozenset(
    f"AWS::{name}"
    for name in (
        "AccountId",
        "NotificationARNs",
        "NoValue",
        "Partition",
        "Region",
        "StackId",
        "StackName",
        "URLSuffix",
    )
)


def value(name: str, region: str, account_id: str, stack: tuple[str, str]) -> str | NoValue | None:
    """Return what a pseudo parameter gives in a stack, of which `stack` are name and id; None for
    those that tell something else."""
    match name:
        case "AWS::NoValue":
            return NO_VALUE
        case "AWS::Region":
            return region
        case "AWS::AccountId":
            return account_id
        case "AWS::StackName":
            return stack[0]
        case "AWS::StackId":
            return stack[1]
        case "AWS::Partition":
            return partition(region)
        case "AWS::URLSuffix":
            return url_suffix(region)
        case _:
            return None


def partition(region: str) -> str:
    """Return the partition of a region."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def url_suffix(region: str) -> str:
    """Return the domain of a region's services."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
