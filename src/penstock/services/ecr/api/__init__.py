"""ECR's operations."""

from penstock.aws.service import Service, bind
from penstock.services.ecr.api import authorization, changes, images, repositories
from penstock.services.ecr.ecr import Ecr

OPERATIONS = {
    "BatchCheckLayerAvailability": images.batch_check_layer_availability,
    "BatchDeleteImage": changes.batch_delete_image,
    "BatchGetImage": images.batch_get_image,
    "CreateRepository": repositories.create_repository,
    "DeleteRepository": repositories.delete_repository,
    "DescribeImages": images.describe_images,
    "DescribeRegistry": repositories.describe_registry,
    "DescribeRepositories": repositories.describe_repositories,
    "GetAuthorizationToken": authorization.get_authorization_token,
    "ListImages": images.list_images,
    "ListTagsForResource": repositories.list_tags_for_resource,
    "PutImage": changes.put_image,
    "PutImageScanningConfiguration": repositories.put_image_scanning_configuration,
    "PutImageTagMutability": repositories.put_image_tag_mutability,
    "TagResource": repositories.tag_resource,
    "UntagResource": repositories.untag_resource,
}


def service(domain: Ecr) -> Service:
    """ECR, for the wire."""
    return Service("ecr", bind(domain, OPERATIONS))
