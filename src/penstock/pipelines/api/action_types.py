"""CodePipeline's operation on action types: those that run here.

Source: https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListActionTypes.html
"""

from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.pipelines.action_types import RUNNING, ActionType
from penstock.pipelines.pipelines import Pipelines


async def list_action_types(domain: Pipelines, call: Call, request: Request) -> Response:
    """List the action types that run here, in one page."""
    if "nextToken" in request:
        raise ServiceError("InvalidNextTokenException", "The next token is not valid")
    owner = request.get("actionOwnerFilter")
    if request.get("regionFilter", domain.region) != domain.region:
        return {"actionTypes": []}
    return {
        "actionTypes": [
            _shape(known) for known in RUNNING.values() if owner in (None, known.id.owner)
        ]
    }


def _shape(known: ActionType) -> dict[str, Any]:
    return {
        "id": {
            "category": known.id.category,
            "owner": known.id.owner,
            "provider": known.id.provider,
            "version": known.id.version,
        },
        "settings": {},
        "actionConfigurationProperties": [
            {
                "name": one.name,
                "required": one.required,
                "key": one.required,
                "secret": one.secret,
                "queryable": False,
                "type": "Boolean" if one.values == ("true", "false") else "String",
            }
            for one in known.properties
        ],
        "inputArtifactDetails": _counts(known.inputs),
        "outputArtifactDetails": _counts(known.outputs),
    }


def _counts(limits: tuple[int, int]) -> dict[str, int]:
    return {"minimumCount": limits[0], "maximumCount": limits[1]}
