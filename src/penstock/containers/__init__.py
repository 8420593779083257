"""Tasks on a container engine: what a build, and later an ECS task or function, runs in."""
