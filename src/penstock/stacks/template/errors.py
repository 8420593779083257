"""A template's mistakes as AWS answers them: ValidationError, HTTP 400.

Texts are AWS's where a response of AWS shows them; others carry the word `unverified` in a
comment. Only texts of our own end with the position `(line L, column C)`.
"""

from penstock.aws.errors import ServiceError


def invalid(message: str) -> ServiceError:
    """Return ValidationError with this text."""
    return ServiceError("ValidationError", message, status=400)


def format_error(message: str) -> ServiceError:
    """Return ValidationError `Template format error: …`: the text's shape is wrong."""
    return invalid(f"Template format error: {message}")


def template_error(message: str) -> ServiceError:
    """Return ValidationError `Template error: …`: a function is used wrongly."""
    return invalid(f"Template error: {message}")


class MissingExport(ServiceError):
    """An Fn::ImportValue names an export that no stack has; `name` is it."""

    def __init__(self, name: str) -> None:
        super().__init__("ValidationError", f"No export named {name} found.", status=400)
        self.name = name


class MissingStack(ServiceError):
    """Fn::GetStackOutput names a stack that is not known; `name` is it."""

    def __init__(self, name: str) -> None:
        super().__init__("ValidationError", f"Stack with id {name} does not exist", status=400)
        self.name = name


def unresolved(names: list[str], block: str) -> ServiceError:
    """Return the error for references to what the template lacks, or leaves out by a condition."""
    listed = f"Unresolved resource dependencies [{', '.join(names)}] in the {block} block"
    prefix = "Template format error: " if block == "Resources" else ""
    return invalid(f"{prefix}{listed} of the template")


def no_attribute(logical_id: str, attribute: str) -> ServiceError:
    """Return the error for an attribute that a resource does not have.

    Text: cloudtools/stacker_blueprints#46, aws/chalice#1837 (of CreateChangeSet).
    """
    return template_error(
        f"resource {logical_id} does not support attribute type {attribute} in Fn::GetAtt"
    )
