"""ECR: image repositories, backed by the instance's own registry."""

from penstock.services.ecr.api import service
from penstock.services.ecr.ecr import Ecr

__all__ = ["Ecr", "service"]
