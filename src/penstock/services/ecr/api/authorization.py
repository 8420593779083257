"""GetAuthorizationToken: what `docker login` is given.

Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
"""

import base64

from penstock.aws.service import Call, Request, Response
from penstock.services.ecr.ecr import Ecr
from penstock.services.ecr.tokens import PASSWORD_LIFETIME


async def get_authorization_token(domain: Ecr, call: Call, request: Request) -> Response:
    """Return `AWS:<password>` in base 64, good for 12 hours as the caller.

    The deprecated `registryIds` gives one entry for each named registry.
    """
    password = domain.signer.password(call.principal, call.now)
    registries = request.get("registryIds") or [domain.account_id]
    return {
        "authorizationData": [
            {
                "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
                "expiresAt": call.now + PASSWORD_LIFETIME,
                "proxyEndpoint": f"https://{registry}.dkr.ecr.{domain.region}.amazonaws.com",
            }
            for registry in registries
        ]
    }
