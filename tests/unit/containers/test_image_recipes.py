from dataclasses import replace

import pytest

from penstock.containers.image_recipes import (
    BASE_IMAGES,
    BUILD,
    DEBIAN,
    MIRROR,
    SANDBOX,
    base_recipe,
    curated_recipe,
)
from penstock.containers.images import OwnRegistry
from penstock.containers.task import File


@pytest.mark.parametrize(
    "image",
    [
        "aws/codebuild/standard:7.0",
        "aws/codebuild/standard:5.0",
        "aws/codebuild/amazonlinux2-x86_64-standard:5.0",
        "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        "public.ecr.aws/codebuild/amazonlinux2-x86_64-standard:4.0",
        "penstock/build:1",
    ],
)
def test_curated_names_are_the_build_image(image: str) -> None:
    assert curated_recipe(image) is BUILD


@pytest.mark.parametrize(
    "image",
    [
        "aws/codebuild/amazonlinux2-aarch64-standard:3.0",
        "aws/codebuild/windows-base:2019-1.0",
        "evil.example.com/aws/codebuild/standard:7.0",
        "python:3.11",
    ],
)
def test_other_names_are_not(image: str) -> None:
    assert curated_recipe(image) is None


def test_base_images_stand_only_for_what_debian_honestly_has() -> None:
    assert base_recipe("python:3.11-slim") is base_recipe("docker.io/library/python:3.11-slim")
    assert base_recipe("debian:bookworm-slim") is DEBIAN
    for other in ("python:3.12-slim", "python:3", "node:20-slim", "alpine", "debian:latest"):
        assert base_recipe(other) is None, other


def test_a_tag_changes_with_anything_that_goes_in() -> None:
    changed = [
        replace(SANDBOX, script="true"),
        replace(SANDBOX, files=[File("/x", b"1")]),
        replace(SANDBOX, files=[replace(SANDBOX.files[0], mode=0o700)]),
        replace(SANDBOX, command=("x",)),
        replace(SANDBOX, environment={"A": "1"}),
        replace(SANDBOX, parent=replace(DEBIAN, command=("y",))),
    ]
    assert len({SANDBOX.reference, *(recipe.reference for recipe in changed)}) == 7
    assert replace(SANDBOX).reference == SANDBOX.reference


def test_the_mirror_holds_every_base_image_under_docker_hubs_name() -> None:
    assert {name for name, _ in MIRROR.base_images} == {f"library/{name}" for name in BASE_IMAGES}


OWN = OwnRegistry("123456789012", "us-east-1", "127.0.0.1:20123")


@pytest.mark.parametrize(
    ("image", "rewritten"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1", "127.0.0.1:20123/app:1"),
        (
            f"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app@sha256:{'a' * 64}",
            f"127.0.0.1:20123/team/app@sha256:{'a' * 64}",
        ),
        ("999999999999.dkr.ecr.us-east-1.amazonaws.com/app:1", None),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1", None),
        ("app:1", None),
    ],
)
def test_ecr_names_of_this_account_are_rewritten(image: str, rewritten: str | None) -> None:
    assert OWN.rewrite(image) == rewritten
