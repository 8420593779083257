"""ARNs read strictly: what a request names is what it was authorized for."""

import pytest

from penstock.arns import resource_of, who
from penstock.builds.project import name_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arn:aws:codebuild:us-east-1:123456789012:project/app", "app"),
        ("app", None),
        ("allowed:project/app", None),
        ("arn:aws:codebuild:us-east-1:123456789012:report/allowed:project/app", None),
        ("arn:aws:codebuild:us-east-1:123456789012:project/a:project/app", "a:project/app"),
        ("arn:aws:codebuild:project/app", None),
    ],
)
def test_only_an_arn_has_a_resource(text: str, expected: str | None) -> None:
    assert resource_of(text, "project/") == expected
    assert name_of(text) == (expected or text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arn:aws:iam::123456789012:root", "root"),
        ("arn:aws:iam::123456789012:user/ann", "ann"),
        ("arn:aws:iam::123456789012:user/team/ann", "ann"),
        ("arn:aws:sts::123456789012:assumed-role/build/root", "build/root"),
        ("somebody: else", "somebody: else"),
    ],
)
def test_a_session_is_not_taken_for_the_user_whose_name_it_chose(text: str, expected: str) -> None:
    assert who(text) == expected
