"""How an action names a file of an artifact: `Artifact::path/to/file`.

Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
"""


class ArtifactFileMissing(Exception):
    """A file or an artifact that is not there, or can't be read; the message is for the user."""


def split(text: str) -> tuple[str, str]:
    """Return artifact and path of `Artifact::path`; raise ArtifactFileMissing for other text."""
    artifact, separator, path = text.partition("::")
    if not separator or not artifact or not path:
        raise ArtifactFileMissing(f"expected Artifact::path/to/file, found {text!r}")
    return artifact, path
