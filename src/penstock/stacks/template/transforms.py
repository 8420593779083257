"""What needs a transform (`Transform:`, `Fn::Transform`), which Penstock does not offer yet.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
"""

_EXTENSIONS = ("Fn::ForEach", "Fn::Length", "Fn::ToJsonString")


def needed(name: str) -> str:
    """Return ` Fn::ForEach needs the AWS::LanguageExtensions transform, …` for the name of a
    function that a transform carries out, an empty text for other names."""
    if name == "Fn::Transform":
        return (
            " Fn::Transform runs a transform, and Penstock does not offer transforms yet: write "
            "what it would insert into the template."
        )
    function = "::".join(name.split("::")[:2])
    if function in _EXTENSIONS:
        return (
            f" {function} needs the AWS::LanguageExtensions transform, which Penstock does not "
            "offer yet: write what it would make into the template."
        )
    return ""
