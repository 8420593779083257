"""CodeBuild's operation on curated images: what this server really builds in.

Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListCuratedEnvironmentImages.html
"""

from penstock.aws.service import Call, Request, Response
from penstock.builds.builds import Builds

_NAMES = ("aws/codebuild/standard:7.0", "aws/codebuild/amazonlinux2-x86_64-standard:5.0")
_DESCRIPTION = (
    "Penstock's build image of Debian packages: git, docker, docker-compose, aws, jq, python3, "
    "nodejs; it stands for every image of this name"
)


async def list_curated_environment_images(domain: Builds, call: Call, request: Request) -> Response:
    """List the curated names that are understood, and what stands behind them."""
    images = [{"name": name, "description": _DESCRIPTION, "versions": [name]} for name in _NAMES]
    return {
        "platforms": [{"platform": "DEBIAN", "languages": [{"language": "BASE", "images": images}]}]
    }
