"""This host as ECS and load balancing name it: one EC2 instance, one container instance."""

import hashlib


def ec2_instance_id(instance_id: str) -> str:
    """Return the `i-…` that stands for this server's host; targets of type `instance` name it."""
    return "i-" + hashlib.sha256(instance_id.encode()).hexdigest()[:17]
