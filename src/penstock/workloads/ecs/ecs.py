"""What the ECS API stands on."""

from dataclasses import dataclass

from penstock.workloads.ecs.clusters import Clusters
from penstock.workloads.ecs.services import Services
from penstock.workloads.ecs.task_definitions import TaskDefinitions
from penstock.workloads.ecs.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Ecs:
    """The parts of ECS in one account and region."""

    clusters: Clusters
    task_definitions: TaskDefinitions
    tasks: Tasks
    services: Services
    instance_id: str
    """This server's instance; its host is the one container instance of every cluster."""
