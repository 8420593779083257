"""What the operations of Lambda act on."""

from dataclasses import dataclass

from penstock.aws.service import Request
from penstock.services.s3 import Objects
from penstock.workloads.functions.function import Reference, reference
from penstock.workloads.functions.functions import Functions
from penstock.workloads.functions.invocations import Invocations


@dataclass(frozen=True, slots=True)
class Lambda:
    """Functions, what runs them, and where their code may come from."""

    functions: Functions
    invocations: Invocations
    objects: Objects

    def named(self, request: Request) -> Reference:
        """Return the function that a request names; InvalidParameterValue, ResourceNotFound."""
        return reference(request["FunctionName"], self.functions.place, request.get("Qualifier"))
