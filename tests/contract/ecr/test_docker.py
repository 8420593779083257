"""docker against the registry: what IAM allows, what docker prints when it does not."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal, PrincipalKind
from penstock.clock import utc_now
from penstock.errors import EngineError

pytestmark = pytest.mark.docker

NOBODY = "because no identity-based policy allows the"
RESOURCE = "arn:aws:ecr:us-east-1:123456789012:repository/app"
USER = "arn:aws:sts::123456789012:assumed-role/builder/AWSCodeBuild-1"


async def pushed(setup: Any, docker: Any, content: bytes, tag: str = "v1") -> str:
    """Push an image of `content` to app and return the digest that docker prints."""
    name = f"{setup.address}/app:{tag}"
    await docker.image(name, content)
    _, output = await docker("push", name)
    return str(output.rsplit("digest: ", 1)[1].split()[0])


async def test_a_push_is_in_the_api_with_the_registrys_digest_and_its_pusher(
    setup: Any, docker: Any
) -> None:
    repository = await setup.ecr.create("app", {}, False)
    await docker.login(setup.address, setup.password)
    digest = await pushed(setup, docker, b"nonce")

    for _ in range(50):
        [image] = await setup.ecr.images(repository)
        if image.pushed_by:
            break
        await asyncio.sleep(0.1)
    assert image.digest == digest
    assert image.tags == ("v1",)
    assert image.pushed_by == USER
    assert image.size is not None
    assert image.size > 100
    assert abs(image.pushed_at - utc_now()) < timedelta(minutes=1)


async def test_a_lost_notification_loses_no_image(setup: Any, docker: Any) -> None:
    setup.notifications_lost = True
    repository = await setup.ecr.create("app", {}, False)
    await docker.login(setup.address, setup.password)
    first = await pushed(setup, docker, b"one")
    [image] = await setup.ecr.images(repository)
    assert (image.digest, image.tags) == (first, ("v1",))

    second = await pushed(setup, docker, b"two")
    images = await setup.ecr.images(repository)
    assert {image.digest: image.tags for image in images} == {first: (), second: ("v1",)}


async def test_what_was_pushed_can_be_pulled(setup: Any, docker: Any) -> None:
    await setup.ecr.create("app", {}, False)
    await docker.login(setup.address, setup.password)
    digest = await pushed(setup, docker, b"content")
    name = f"{setup.address}/app@{digest}"
    await docker("image", "rm", f"{setup.address}/app:v1")
    docker.made.append(name)
    await docker("pull", name)
    _, shown = await docker("image", "inspect", "--format", "{{json .RepoDigests}}", name)
    assert name in json.loads(shown)


@pytest.mark.parametrize(
    "action", ["ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:BatchCheckLayerAvailability"]
)
async def test_a_denied_push_prints_awss_text(setup: Any, docker: Any, action: str) -> None:
    await setup.ecr.create("app", {}, False)
    setup.deny.add(action)
    await docker.login(setup.address, setup.password)
    name = f"{setup.address}/app:v1"
    await docker.image(name, b"content")

    status, output = await docker("push", name, check=False)

    assert status != 0
    assert (
        f"denied: User: {USER} is not authorized to perform: {action} on resource: {RESOURCE} "
        f"{NOBODY} {action} action" in output
    )


async def test_a_principal_that_may_only_push_can_push_and_not_pull(
    setup: Any, docker: Any
) -> None:
    """The role that AWS documents for CodeBuild has no ecr:BatchGetImage."""
    await setup.ecr.create("app", {}, False)
    setup.deny |= {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
    await docker.login(setup.address, setup.password)
    await pushed(setup, docker, b"content")

    status, output = await docker("pull", f"{setup.address}/app:v1", check=False)
    assert status != 0
    assert f"{USER} is not authorized to perform: ecr:BatchGetImage" in output


async def test_an_unknown_repository_is_named_as_aws_names_it(setup: Any, docker: Any) -> None:
    await docker.login(setup.address, setup.password)
    name = f"{setup.address}/app:v1"
    await docker.image(name, b"content")
    status, output = await docker("push", name, check=False)
    assert status != 0
    assert (
        "name unknown: The repository with name 'app' does not exist in the registry with id "
        "'123456789012'" in output
    )


@pytest.mark.parametrize("kind", ["wrong", "expired"])
async def test_a_password_that_is_not_good_is_refused(setup: Any, docker: Any, kind: str) -> None:
    password = "nonsense"
    if kind == "expired":
        root = Principal(PrincipalKind.ROOT, "arn:aws:iam::1:root", "1", "1", "AKIA")
        password = setup.ecr.signer.password(root, utc_now() - timedelta(hours=12, seconds=1))
    status, output = await docker.login(setup.address, password, check=False)
    assert status != 0
    expected = "authorization token has expired" if kind == "expired" else "unauthorized"
    assert expected in output


async def test_without_login_there_is_no_push(setup: Any, docker: Any) -> None:
    await setup.ecr.create("app", {}, False)
    name = f"{setup.address}/app:v1"
    await docker.image(name, b"content")
    status, output = await docker("push", name, check=False)
    assert status != 0
    assert "no basic auth credentials" in output


async def test_deleting_one_tag_keeps_the_image_and_the_last_takes_it(
    setup: Any, docker: Any
) -> None:
    repository = await setup.ecr.create("app", {}, False)
    await docker.login(setup.address, setup.password)
    digest = await pushed(setup, docker, b"same")
    await docker("tag", f"{setup.address}/app:v1", f"{setup.address}/app:v2")
    await docker("push", f"{setup.address}/app:v2")
    [image] = await setup.ecr.images(repository)
    assert image.tags == ("v1", "v2")

    await setup.ecr.client.delete_tag("app", "v1")
    [image] = await setup.ecr.images(repository)
    assert (image.digest, image.tags) == (digest, ("v2",))

    assert await setup.ecr.client.delete_manifest("app", digest)
    assert await setup.ecr.images(repository) == []
    assert not await setup.ecr.client.delete_manifest("app", digest)


async def test_a_repository_with_images_goes_only_by_force(setup: Any, docker: Any) -> None:
    repository = await setup.ecr.create("app", {}, False)
    await docker.login(setup.address, setup.password)
    await pushed(setup, docker, b"content")
    with pytest.raises(ServiceError) as caught:
        await setup.ecr.delete(repository, force=False)
    assert caught.value.code == "RepositoryNotEmptyException"
    assert caught.value.message == (
        "The repository with name 'app' in registry with id '123456789012' cannot be deleted "
        "because it still contains images"
    )

    await setup.ecr.delete(repository, force=True)
    assert await setup.ecr.repositories() == []
    again = await setup.ecr.create("app", {}, False)
    assert await setup.ecr.images(again) == []


async def test_a_token_for_the_runners_pull_reads_one_repository_only(
    setup: Any, docker: Any
) -> None:
    await setup.ecr.create("app", {}, False)
    await setup.ecr.create("other", {}, False)
    await docker.login(setup.address, setup.password)
    await pushed(setup, docker, b"content")
    mint = setup.ecr.client._mint

    setup.ecr.client._mint = lambda repository, actions: mint("other", ["pull"])
    with pytest.raises(EngineError, match="status 401"):
        await setup.ecr.client.tags("app")
    setup.ecr.client._mint = lambda repository, actions: mint("app", ["pull"])
    assert await setup.ecr.client.tags("app") == ["v1"]
    with pytest.raises(EngineError, match="status 401"):
        await setup.ecr.client.delete_manifest("app", "sha256:" + "0" * 64)


async def test_a_password_is_no_registry_token_and_the_reverse(setup: Any) -> None:
    await setup.ecr.create("app", {}, False)
    setup.ecr.client._mint = lambda repository, actions: setup.password
    with pytest.raises(EngineError, match="status 401"):
        await setup.ecr.client.tags("app")
