"""Secrets Manager: secrets in versions, their values encrypted at rest."""

from penstock.services.secretsmanager.secrets import Secrets

__all__ = ["Secrets"]
