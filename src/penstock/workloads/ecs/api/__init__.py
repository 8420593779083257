"""The operations of ECS: each noun's table, merged."""

from penstock.aws.service import Service, bind
from penstock.workloads.ecs.api import (
    clusters,
    container_instances,
    resource_tags,
    services,
    task_definitions,
    tasks,
)
from penstock.workloads.ecs.api.names import resource_meant
from penstock.workloads.ecs.ecs import Ecs

OPERATIONS = {
    **clusters.OPERATIONS,
    **container_instances.OPERATIONS,
    **resource_tags.OPERATIONS,
    **services.OPERATIONS,
    **task_definitions.OPERATIONS,
    **tasks.OPERATIONS,
}


def service(ecs: Ecs) -> Service:
    """Return ECS on its parts."""
    return Service("ecs", bind(ecs, OPERATIONS), resource_meant(ecs))
