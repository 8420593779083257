"""Elastic Load Balancing's refusals, in AWS's words.

Texts: as AWS's users print them in issues of terraform-provider-aws, aws-load-balancer-controller
and cdk; those marked unverified are worded after their neighbours.
"""

from penstock.aws.errors import ServiceError


def load_balancer_not_found(arn: str) -> ServiceError:
    """No load balancer has that ARN."""
    return ServiceError("LoadBalancerNotFoundException", f"Load balancer '{arn}' not found")


def target_group_not_found(arn: str) -> ServiceError:
    """No target group has that ARN."""
    return ServiceError("TargetGroupNotFoundException", f"Target groups '{arn}' not found")


def listener_not_found(arn: str) -> ServiceError:
    """No listener has that ARN."""
    return ServiceError("ListenerNotFoundException", f"Listener '{arn}' not found")


def rule_not_found(arn: str) -> ServiceError:
    """No rule has that ARN (unverified)."""
    return ServiceError("RuleNotFoundException", f"Rule '{arn}' not found")


def invalid(message: str) -> ServiceError:
    """A member's value is not what AWS takes."""
    return ServiceError("ValidationError", message, status=400)


def refused(message: str) -> ServiceError:
    """AWS takes it and Penstock does not."""
    return ServiceError("InvalidConfigurationRequestException", message)
