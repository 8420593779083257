"""STS: temporary credentials."""

from penstock.services.iam.credentials import TemporaryCredentials as TemporaryCredentials
from penstock.services.sts.sts import Sts as Sts
