"""ECS: clusters, task definitions, tasks, services."""
