"""What stacks bring to life: ECS tasks and services, load balancers."""
