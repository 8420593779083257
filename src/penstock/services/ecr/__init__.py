"""ECR: image repositories, backed by the instance's own registry."""

from penstock.services.ecr.ecr import Ecr as Ecr
