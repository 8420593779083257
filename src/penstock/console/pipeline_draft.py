"""The draft of a pipeline that an edit page carries in its form: the declaration as JSON, and
the version that it was begun from. Nothing is stored until it is saved.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.validate import ParamValidator

from penstock.aws import models
from penstock.pipelines.draft import Declaration, DraftError


@dataclass(frozen=True, slots=True)
class Draft:
    """A declaration that is being edited; `base` is the version of the pipeline it came from."""

    declaration: Declaration
    base: int

    @property
    def packed(self) -> str:
        """What the form's hidden field carries."""
        return json.dumps(self.declaration, separators=(",", ":"))

    def edited(self, declaration: Declaration) -> "Draft":
        """Return the draft with another declaration."""
        return Draft(declaration, self.base)


def of_form(form: Mapping[str, str], name: str) -> Draft:
    """Return the draft that a form of this pipeline carried; raises DraftError."""
    base = form.get("base", "")
    if not base.isdecimal() or len(base) > 9:
        raise DraftError("Expected the version that the draft was begun from, found none.")
    return Draft(read(form.get("draft", ""), name), int(base))


def read(text: str, name: str) -> dict[str, Any]:
    """Return the declaration of pipeline `name` that `text` holds; raises DraftError.

    What `aws codepipeline get-pipeline` prints is taken too: then its `metadata` is left out.
    Members and types are checked as the `aws` command does; values are UpdatePipeline's to check.
    """
    try:
        found = json.loads(text, parse_constant=_refuse)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as problem:
        raise DraftError(f"Expected a pipeline's declaration as JSON: {problem}") from problem
    if isinstance(found, dict) and "pipeline" in found and set(found) <= {"pipeline", "metadata"}:
        found = found["pipeline"]
    shape = models.load("codepipeline").operation("UpdatePipeline").input_shape
    report = ParamValidator().validate({"pipeline": found}, shape)
    if report.has_errors():
        raise DraftError(f"Parameter validation failed:\n{report.generate_report()}")
    if found["name"] != name:
        raise DraftError(
            f"A pipeline keeps its name: expected {name}, found {found['name']}. To rename it, "
            f"create another pipeline of that declaration."
        )
    return dict(found)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
