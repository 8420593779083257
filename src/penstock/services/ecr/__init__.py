"""ECR: image repositories, backed by the instance's own registry."""
