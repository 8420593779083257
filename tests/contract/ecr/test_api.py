"""ECR's API through boto3, over a real registry. Texts are AWS's unless marked."""

import base64
import hashlib
import json
import urllib.request
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError
from tests.aws_command import aws_command
from tests.databases import opened_database

from penstock.clock import utc_now
from penstock.services.ecr import Ecr
from penstock.services.ecr.api import service
from penstock.services.ecr.registry_client import DOCKER_MANIFEST

ACCOUNT = "123456789012"
ARN = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/"


@pytest.fixture
def server(aws_server: Callable[..., Any], setup: Any, tmp_path: Path) -> Any:
    async def build(stack: AsyncExitStack) -> list[Any]:
        own = tmp_path / "server"
        own.mkdir()
        database = stack.enter_context(opened_database(own))
        directory = tmp_path / "certificates"
        ecr = Ecr(
            database,
            setup.ecr.authorize,
            utc_now,
            registry_url=lambda: f"http://{setup.address}",
            ca=None,
            signing_key_pem=(directory / "registry-signing.key").read_bytes(),
            signing_certificate_pem=(directory / "registry-signing.crt").read_bytes(),
            account_id=ACCOUNT,
            region="us-east-1",
        )
        stack.push_async_callback(ecr.close)
        return [service(ecr)]

    return aws_server(build)


@pytest.fixture
def ecr(server: Any) -> Any:
    return server.client("ecr")


@pytest.fixture
def push(setup: Any) -> Callable[..., str]:
    """Pushes an image of one layer, as docker does, and returns its digest."""

    def request(method: str, url: str, body: bytes, **headers: str) -> Any:
        token = setup.ecr.mint("app", ["pull", "push"])
        headers = {"Authorization": f"Bearer {token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return urllib.request.urlopen(
            urllib.request.Request(url, data=body, method=method, headers=headers), timeout=10
        )

    def blob(content: bytes) -> dict[str, Any]:
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        base = f"http://{setup.address}/v2/app/blobs/uploads/"
        with request("POST", base, b"") as answer:
            place = answer.headers["Location"]
        url = f"{place}{'&' if '?' in place else '?'}digest={digest}"
        request("PUT", url, content, Content_Type="application/octet-stream").close()
        return {"mediaType": "application/octet-stream", "size": len(content), "digest": digest}

    def push(tag: str, content: bytes) -> str:
        config, layer = blob(b"{}" + content), blob(content)
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": config,
            "layers": [layer],
        }
        url = f"http://{setup.address}/v2/app/manifests/{tag}"
        body = json.dumps(manifest).encode()
        with request("PUT", url, body, Content_Type=DOCKER_MANIFEST) as answer:
            return str(answer.headers["Docker-Content-Digest"])

    return push


def failure(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


async def test_a_repository_is_described_as_it_was_made(ecr: Any) -> None:
    made = ecr.create_repository(
        repositoryName="team/app",
        tags=[{"Key": "a", "Value": "1"}],
        imageScanningConfiguration={"scanOnPush": True},
    )["repository"]
    assert ecr.describe_repositories()["repositories"] == [made]
    assert ecr.describe_repositories(repositoryNames=["team/app"])["repositories"] == [made]
    assert made["repositoryUri"] == f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/app"
    assert made["repositoryArn"] == ARN + "team/app"
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    assert ecr.describe_registry()["registryId"] == ACCOUNT


async def test_awss_texts_for_unknown_and_taken_names(ecr: Any) -> None:
    unknown = (
        "RepositoryNotFoundException",
        "The repository with name 'app' does not exist in the registry with id '123456789012'",
    )
    assert failure(ecr.describe_repositories, repositoryNames=["app"]) == unknown
    assert failure(ecr.list_images, repositoryName="app") == unknown
    assert failure(ecr.delete_repository, repositoryName="app") == unknown
    ecr.create_repository(repositoryName="app")
    assert failure(ecr.create_repository, repositoryName="app") == (
        "RepositoryAlreadyExistsException",
        "The repository with name 'app' already exists in the registry with id '123456789012'",
    )
    assert failure(ecr.describe_images, repositoryName="app", registryId="210987654321") == (
        "RepositoryNotFoundException",
        "The repository with name 'app' does not exist in the registry with id '210987654321'",
    )


async def test_what_cannot_be_kept_is_refused(ecr: Any) -> None:
    code, message = failure(
        ecr.create_repository, repositoryName="app", imageTagMutability="IMMUTABLE"
    )
    assert code == "InvalidParameterException"
    assert "Use MUTABLE" in message
    assert ecr.describe_repositories()["repositories"] == []
    ecr.create_repository(repositoryName="app")
    assert (
        failure(ecr.put_image_tag_mutability, repositoryName="app", imageTagMutability="IMMUTABLE")[
            0
        ]
        == "InvalidParameterException"
    )
    assert (
        failure(
            ecr.create_repository,
            repositoryName="bb",
            encryptionConfiguration={"encryptionType": "KMS"},
        )[0]
        == "InvalidParameterException"
    )


async def test_repositories_come_in_pages(ecr: Any) -> None:
    for name in ("bb", "aa", "cc"):
        ecr.create_repository(repositoryName=name)
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    names = [[one["repositoryName"] for one in page["repositories"]] for page in pages]
    assert names == [["aa", "bb"], ["cc"]]
    assert failure(ecr.describe_repositories, nextToken="x")[0] == "InvalidParameterException"


async def test_tags_of_a_repository(ecr: Any) -> None:
    ecr.create_repository(repositoryName="app", tags=[{"Key": "a", "Value": "1"}])
    ecr.tag_resource(resourceArn=ARN + "app", tags=[{"Key": "b", "Value": "2"}])
    ecr.untag_resource(resourceArn=ARN + "app", tagKeys=["a"])
    assert ecr.list_tags_for_resource(resourceArn=ARN + "app")["tags"] == [
        {"Key": "b", "Value": "2"}
    ]
    assert failure(ecr.list_tags_for_resource, resourceArn=ARN + "nothing")[0] == (
        "RepositoryNotFoundException"
    )


async def test_the_authorization_token_says_who_asked(ecr: Any, server: Any) -> None:
    [data] = ecr.get_authorization_token()["authorizationData"]
    assert data["proxyEndpoint"] == f"https://{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    principal = jwt.decode(password, options={"verify_signature": False})["principal"]
    assert principal["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert 43_100 < (data["expiresAt"] - utc_now()).total_seconds() <= 43_200


async def test_images_are_listed_and_described_as_the_registry_has_them(
    ecr: Any, push: Any
) -> None:
    ecr.create_repository(repositoryName="app", imageScanningConfiguration={"scanOnPush": True})
    assert ecr.describe_images(repositoryName="app")["imageDetails"] == []
    old, new = push("latest", b"old"), ""
    assert ecr.list_images(repositoryName="app")["imageIds"] == [
        {"imageDigest": old, "imageTag": "latest"}
    ]
    new = push("latest", b"newer")

    by_tag = ecr.describe_images(repositoryName="app", imageIds=[{"imageTag": "latest"}])
    [detail] = by_tag["imageDetails"]
    assert detail["imageDigest"] == new
    assert detail["imageTags"] == ["latest"]
    assert detail["imageSizeInBytes"] == len(b"{}newer") + len(b"newer")
    assert detail["imageManifestMediaType"] == DOCKER_MANIFEST
    assert detail["imageScanStatus"]["status"] == "FAILED"
    untagged = ecr.list_images(repositoryName="app", filter={"tagStatus": "UNTAGGED"})
    assert untagged["imageIds"] == [{"imageDigest": old}]
    tagged = ecr.describe_images(repositoryName="app", filter={"tagStatus": "TAGGED"})
    assert [one["imageDigest"] for one in tagged["imageDetails"]] == [new]
    pages = ecr.get_paginator("list_images").paginate(
        repositoryName="app", PaginationConfig={"PageSize": 1}
    )
    assert sorted(one["imageDigest"] for page in pages for one in page["imageIds"]) == sorted(
        [old, new]
    )


async def test_an_unknown_image_is_named_as_aws_names_it(ecr: Any) -> None:
    ecr.create_repository(repositoryName="app")
    assert failure(ecr.describe_images, repositoryName="app", imageIds=[{"imageTag": "v9"}]) == (
        "ImageNotFoundException",
        (
            "The image with imageId {imageDigest:'null', imageTag:'v9'} does not exist within the "
            "repository with name 'app' in the registry with id '123456789012'"
        ),
    )
    answer = ecr.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "v9"}])
    assert answer["images"] == []
    assert answer["failures"] == [
        {
            "imageId": {"imageTag": "v9"},
            "failureCode": "ImageNotFound",
            "failureReason": "Requested image not found",
        }
    ]


async def test_an_image_gets_one_more_tag_by_put_image(ecr: Any, push: Any) -> None:
    ecr.create_repository(repositoryName="app")
    digest = push("v1", b"content")
    [image] = ecr.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "v1"}])["images"]
    assert "sha256:" + hashlib.sha256(image["imageManifest"].encode()).hexdigest() == digest

    made = ecr.put_image(
        repositoryName="app", imageManifest=image["imageManifest"], imageTag="stable"
    )["image"]
    assert made["imageId"] == {"imageDigest": digest, "imageTag": "stable"}
    [detail] = ecr.describe_images(repositoryName="app")["imageDetails"]
    assert sorted(detail["imageTags"]) == ["stable", "v1"]
    assert failure(
        ecr.put_image, repositoryName="app", imageManifest=image["imageManifest"], imageTag="v1"
    ) == (
        "ImageAlreadyExistsException",
        (
            f"Image with digest '{digest}' and tag 'v1' already exists in the repository with name "
            "'app' in registry with id '123456789012'"
        ),
    )


async def test_a_manifest_without_its_layers_is_refused(ecr: Any) -> None:
    ecr.create_repository(repositoryName="app")
    missing = {"mediaType": "x", "size": 1, "digest": "sha256:" + "0" * 64}
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": missing,
        "layers": [missing],
    }
    assert (
        failure(
            ecr.put_image, repositoryName="app", imageManifest=json.dumps(manifest), imageTag="v1"
        )[0]
        == "LayersNotFoundException"
    )
    assert (
        failure(ecr.put_image, repositoryName="app", imageManifest="no json", imageTag="v1")[0]
        == "InvalidParameterException"
    )
    assert ecr.list_images(repositoryName="app")["imageIds"] == []


async def test_images_are_deleted_by_tag_and_by_digest(ecr: Any, push: Any) -> None:
    ecr.create_repository(repositoryName="app")
    digest = push("v1", b"content")
    assert push("v2", b"content") == digest

    by_tag = ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "v1"}])
    assert by_tag["imageIds"] == [{"imageDigest": digest, "imageTag": "v1"}]
    assert ecr.list_images(repositoryName="app")["imageIds"] == [
        {"imageDigest": digest, "imageTag": "v2"}
    ]
    answer = ecr.batch_delete_image(
        repositoryName="app",
        imageIds=[{"imageDigest": digest}, {"imageTag": "v1"}, {"imageTag": "v2"}],
    )
    assert answer["imageIds"] == [{"imageDigest": digest, "imageTag": "v2"}]
    assert [one["failureCode"] for one in answer["failures"]] == ["ImageNotFound"] * 2
    assert ecr.describe_images(repositoryName="app")["imageDetails"] == []


async def test_layers_are_looked_up(ecr: Any, push: Any) -> None:
    ecr.create_repository(repositoryName="app")
    push("v1", b"layer")
    present = "sha256:" + hashlib.sha256(b"layer").hexdigest()
    absent = "sha256:" + "0" * 64
    layers = ecr.batch_check_layer_availability(
        repositoryName="app", layerDigests=[present, absent]
    )["layers"]
    assert [one["layerAvailability"] for one in layers] == ["AVAILABLE", "UNAVAILABLE"]
    assert layers[0]["layerSize"] == 5


async def test_a_repository_with_images_goes_only_by_force(ecr: Any, push: Any) -> None:
    ecr.create_repository(repositoryName="app")
    push("v1", b"content")
    assert failure(ecr.delete_repository, repositoryName="app")[0] == (
        "RepositoryNotEmptyException"
    )
    ecr.delete_repository(repositoryName="app", force=True)
    assert ecr.describe_repositories()["repositories"] == []
    ecr.create_repository(repositoryName="app")
    assert ecr.list_images(repositoryName="app")["imageIds"] == []


async def test_an_image_is_what_its_digest_says(ecr: Any, push: Any) -> None:
    ecr.create_repository(repositoryName="app")
    digest = push("one", b"layer")
    [image] = ecr.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "one"}])["images"]
    other = "sha256:" + "0" * 64
    # unverified
    assert failure(
        ecr.put_image,
        repositoryName="app",
        imageManifest=image["imageManifest"],
        imageTag="two",
        imageDigest=other,
    ) == (
        "ImageDigestDoesNotMatchException",
        f"Image digest '{other}' does not match calculated digest '{digest}'",
    )
    tags = [one["imageTag"] for one in ecr.list_images(repositoryName="app")["imageIds"]]
    assert tags == ["one"]


async def test_what_a_push_would_be_scanned_for_is_kept(ecr: Any) -> None:
    ecr.create_repository(repositoryName="app")
    answer = ecr.put_image_scanning_configuration(
        repositoryName="app", imageScanningConfiguration={"scanOnPush": True}
    )
    assert (answer["registryId"], answer["repositoryName"]) == (ACCOUNT, "app")
    assert answer["imageScanningConfiguration"] == {"scanOnPush": True}
    [kept] = ecr.describe_repositories()["repositories"]
    assert kept["imageScanningConfiguration"] == {"scanOnPush": True}
    assert (
        failure(
            ecr.put_image_scanning_configuration,
            repositoryName="none",
            imageScanningConfiguration={},
        )[0]
        == "RepositoryNotFoundException"
    )


async def test_tags_that_aws_refuses_are_refused(ecr: Any) -> None:
    create = ecr.create_repository
    many = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
    assert failure(create, repositoryName="app", tags=many)[0] == "TooManyTagsException"
    own = [{"Key": "aws:x", "Value": ""}]
    assert failure(create, repositoryName="app", tags=own)[0] == "InvalidTagParameterException"
    assert ecr.describe_repositories()["repositories"] == []


async def test_the_aws_command_makes_a_repository_and_reads_its_image(
    ecr: Any, server: Any, push: Any
) -> None:
    aws = aws_command(server.url)
    made = aws("ecr", "create-repository", "--repository-name", "app")["repository"]
    [kept] = ecr.describe_repositories()["repositories"]
    assert kept["repositoryArn"] == made["repositoryArn"]
    digest = push("one", b"layer")
    [image] = aws("ecr", "describe-images", "--repository-name", "app")["imageDetails"]
    assert (image["imageDigest"], image["imageTags"]) == (digest, ["one"])
    assert aws("ecr", "create-repository", "--repository-name", "app", refused=True).endswith(
        "An error occurred (RepositoryAlreadyExistsException) when calling the CreateRepository "
        f"operation: The repository with name 'app' already exists in the registry with id "
        f"'{ACCOUNT}'"
    )
