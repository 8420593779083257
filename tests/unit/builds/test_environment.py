from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.builds.build import (
    ArtifactLocation,
    Build,
    BuildStatus,
    EnvironmentVariable,
    PhaseType,
    PipelineSource,
)
from penstock.builds.buildspec import Buildspec
from penstock.builds.environment import (
    SecretReference,
    own_variables,
    places,
    secret_reference,
    wanted_variables,
)
from penstock.builds.plan import Layout


def build(**configuration: Any) -> Build:
    return Build(
        id="app:1-2", uuid="1-2", arn="arn:aws:codebuild:us-east-1:123456789012:build/app:1-2",
        number=7, project_name="app", status=BuildStatus.IN_PROGRESS,
        current_phase=PhaseType.QUEUED, phases=(), initiator="codepipeline/road",
        start_time=datetime(2026, 1, 1, tzinfo=UTC), end_time=None, exported_variables={},
        log_group="/aws/codebuild/app", log_stream="1-2", log_created=True,
        source_version="main", resolved_source_version=None, artifacts=(),
        configuration={
            "environment": {"image": "aws/codebuild/standard:7.0"},
            "source": {"type": "NO_SOURCE"},
            **configuration,
        },
    )  # fmt: skip


def location(name: str) -> ArtifactLocation:
    return ArtifactLocation(name, "bucket", f"road/{name}/key.zip")


def test_a_single_pipeline_input_stands_in_src() -> None:
    (place,) = places(build(), PipelineSource(location("App")), Layout())
    assert place.path.startswith("/codebuild/output/src")
    assert place.path.endswith("/src")
    assert place.version == "arn:aws:s3:::bucket/road/App/key.zip"


def test_several_pipeline_inputs_stand_side_by_side() -> None:
    pipeline = PipelineSource(location("App"), (location("Deploy"),))
    found = places(build(), pipeline, Layout())
    assert [p.path.rsplit("/src/", 1)[1] for p in found] == ["s3/00", "s3/01"]
    variables = own_variables(build(), found, "0123abc")
    assert variables["CODEBUILD_SRC_DIR"] == found[0].path
    assert variables["CODEBUILD_SRC_DIR_Deploy"] == found[1].path
    assert variables["CODEBUILD_SOURCE_VERSION_Deploy"].endswith("road/Deploy/key.zip")
    assert variables["CODEBUILD_RESOLVED_SOURCE_VERSION"] == "0123abc"


def test_a_repository_stands_under_its_host() -> None:
    url = "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/app"
    (place,) = places(build(source={"type": "CODECOMMIT", "location": url}), None, Layout())
    assert place.path.endswith("/src/git-codecommit.us-east-1.amazonaws.com/v1/repos/app")
    assert (place.version, place.location) == ("main", url)


def test_codebuilds_own_variables() -> None:
    variables = own_variables(build(), places(build(), None, Layout()), None)
    assert variables["CODEBUILD_BUILD_ID"] == "app:1-2"
    assert variables["CODEBUILD_BUILD_NUMBER"] == "7"
    assert variables["CODEBUILD_INITIATOR"] == "codepipeline/road"
    assert variables["CODEBUILD_START_TIME"] == "1767225600000"
    assert variables["CODEBUILD_PROJECT_ARN"].endswith(":project/app")
    assert "CODEBUILD_RESOLVED_SOURCE_VERSION" not in variables


def test_the_projects_variable_beats_the_buildspecs_whatever_their_types() -> None:
    spec = Buildspec(
        version="0.2", phases={}, variables={"A": "spec", "B": "spec"},
        parameter_store={"C": "/spec"}, secrets_manager={"D": "spec"},
    )  # fmt: skip
    configured = [
        {"name": "A", "value": "project", "type": "PLAINTEXT"},
        {"name": "C", "value": "project", "type": "PLAINTEXT"},
        {"name": "B", "value": "/project", "type": "PARAMETER_STORE"},
    ]
    assert {v.name: v for v in wanted_variables(spec, configured)} == {
        "A": EnvironmentVariable("A", "project"),
        "B": EnvironmentVariable("B", "/project", "PARAMETER_STORE"),
        "C": EnvironmentVariable("C", "project"),
        "D": EnvironmentVariable("D", "spec", "SECRETS_MANAGER"),
    }


ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", SecretReference("app", None, "AWSCURRENT", None)),
        ("app:key", SecretReference("app", "key", "AWSCURRENT", None)),
        ("app:key:AWSPREVIOUS", SecretReference("app", "key", "AWSPREVIOUS", None)),
        ("app:key::v1", SecretReference("app", "key", "AWSCURRENT", "v1")),
        (ARN, SecretReference(ARN, None, "AWSCURRENT", None)),
        (f"{ARN}:key", SecretReference(ARN, "key", "AWSCURRENT", None)),
    ],
)
def test_secret_references(text: str, expected: SecretReference) -> None:
    assert secret_reference(text) == expected
