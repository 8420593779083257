from tests.pipeline_world import document

from penstock.pipelines.structure import normalise, parse


def test_defaults_are_written_out() -> None:
    shown = normalise(document(), 3)
    assert (shown["version"], shown["pipelineType"], shown["executionMode"]) == (
        3, "V1", "SUPERSEDED",
    )  # fmt: skip
    action = shown["stages"][0]["actions"][0]
    assert (action["runOrder"], action["inputArtifacts"]) == (1, [])


def test_what_only_v2_has_makes_a_pipeline_v2() -> None:
    assert normalise(document(variables=[{"name": "A"}]), 1)["pipelineType"] == "V2"
    assert normalise(document(executionMode="QUEUED"), 1)["pipelineType"] == "V2"


def test_an_artifact_store_is_found_by_region() -> None:
    single = parse(document())
    assert single.bucket("eu-west-1") == "artifacts"
    declaration = document(artifactStores={"us-east-1": {"type": "S3", "location": "east"}})
    del declaration["artifactStore"]
    assert parse(declaration).bucket("us-east-1") == "east"
