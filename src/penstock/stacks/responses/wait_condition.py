"""What came to a wait condition's handle, and what it comes to. Pure.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from penstock.stacks.responses.body import json_object, without_controls

UNPARSABLE = "Unparsable WaitCondition data"
"""aws-quickstart/quickstart-pivotal-cloudfoundry#34"""


@dataclass(frozen=True, slots=True)
class Waited:
    """The successful signals: `data` is what Fn::GetAtt Data gives, JSON text in their order."""

    received: int
    data: str


def evaluate_signals(bodies: Iterable[str | None]) -> Waited | str:
    """Return what came, or why the wait condition fails; None is a body that was too long."""
    values: dict[str, str] = {}
    for body in bodies:
        found = json_object(body)
        if found is None or not {"Status", "UniqueId", "Reason", "Data"} <= found.keys():
            return UNPARSABLE
        unique_id, status = str(found["UniqueId"]), found["Status"]
        if status == "FAILURE":  # aws-samples/vpn-gateway-strongswan#28
            reason = without_controls(found["Reason"])
            return (
                f"WaitCondition received failed message: '{reason}' for uniqueId: "
                f"{without_controls(unique_id)}"
            )
        if status != "SUCCESS" or not unique_id:
            return UNPARSABLE
        data = found["Data"]
        values.setdefault(unique_id, data if isinstance(data, str) else json.dumps(data))
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return Waited(len(values), text)


def timed_out(received: int, count: int) -> str:
    """Return the reason of a wait that was too long (aws-samples/immersive-media-refarch#7)."""
    return f"WaitCondition timed out. Received {received} conditions when expecting {count}"
