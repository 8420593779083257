"""Answers of services in a template's words."""

from penstock.aws import models
from penstock.stacks.handlers.api_shapes import to_properties


def test_members_are_spelt_as_the_template_spells_them() -> None:
    shape = models.load("codebuild").operation("BatchGetProjects").output_shape
    source = {"type": "S3", "buildspec": "b.yml", "gitCloneDepth": 1}
    answer = {"projects": [{"name": "app", "source": source, "secondarySources": [source, source]}]}
    properties = {
        "Source": {"BuildSpec": "a.yml"},
        "SecondarySources": [{"Type": "S3"}, {"BuildSpec": "a.yml"}],
    }
    written = {"Type": "S3", "BuildSpec": "b.yml", "GitCloneDepth": 1}
    assert to_properties(shape, answer, {"Projects": [properties]}) == {
        "Projects": [
            {"Name": "app", "Source": written, "SecondarySources": [written, written]},
        ]
    }
    plain = to_properties(shape, answer)["Projects"][0]["Source"]
    assert plain == {"Type": "S3", "Buildspec": "b.yml", "GitCloneDepth": 1}


def test_keys_of_maps_stay() -> None:
    shape = models.load("codepipeline").operation("GetPipeline").output_shape
    action = {"configuration": {"projectName": "app"}}
    answer = {"pipeline": {"stages": [{"actions": [action]}]}}
    given = {"Pipeline": {"Stages": [{"Actions": [{"Configuration": {"ProjectName": "app"}}]}]}}
    [stage] = to_properties(shape, answer, given)["Pipeline"]["Stages"]
    assert stage["Actions"] == [{"Configuration": {"projectName": "app"}}]
