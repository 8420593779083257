"""Systems Manager's Parameter Store: parameters in versions, SecureStrings encrypted at rest."""

from penstock.services.ssm.parameters import Parameters

__all__ = ["Parameters"]
