"""Which runtimes run here, and on what: pure.

Debian has one Python and one Node.js; a runtime's name says which language it is, and the
function's log says on what it really runs.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""

from dataclasses import dataclass
from enum import StrEnum

from penstock.containers.image_recipes import FUNCTION_NODE, FUNCTION_PYTHON
from penstock.workloads.functions.refusals import invalid


class Language(StrEnum):
    """What a function is written in."""

    PYTHON = "python"
    NODE = "nodejs"


@dataclass(frozen=True, slots=True)
class Runtime:
    """One of Lambda's runtimes, as it runs here."""

    name: str
    language: Language

    @property
    def image(self) -> str:
        """The name of the image that it runs in."""
        return FUNCTION_PYTHON if self.language is Language.PYTHON else FUNCTION_NODE

    @property
    def runs_on(self) -> str:
        """What stands for it here, in a reader's words."""
        if self.language is Language.PYTHON:
            return "Python 3.11 of Debian 12 with boto3"
        return "Node.js 18 of Debian 12 without the AWS SDK"


PYTHON = tuple(f"python3.{minor}" for minor in range(9, 15))
NODE = tuple(f"nodejs{major}.x" for major in (18, 20, 22, 24))
_ENDED = {
    **dict.fromkeys(("python2.7", "python3.6", "python3.7", "python3.8"), PYTHON[-1]),
    **dict.fromkeys(
        ("nodejs", *(f"nodejs{version}" for version in ("4.3", "6.10", "8.10"))), NODE[-1]
    ),
    **dict.fromkeys((f"nodejs{major}.x" for major in (10, 12, 14, 16)), NODE[-1]),
}


def runtime(name: str) -> Runtime:
    """Return a runtime by AWS's name; InvalidParameterValue for one that does not run here."""
    if name in PYTHON:
        return Runtime(name, Language.PYTHON)
    if name in NODE:
        return Runtime(name, Language.NODE)
    if name in _ENDED:
        raise invalid(
            f"The runtime parameter of {name} is no longer supported for creating or updating AWS "
            f"Lambda functions. We recommend you use {_ENDED[name]} while creating or updating "
            "functions."
        )
    raise invalid(
        f"Penstock does not run functions of the runtime {name}. It runs: "
        f"{', '.join((*PYTHON, *NODE))}."
    )
