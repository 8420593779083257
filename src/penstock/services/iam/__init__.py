"""IAM: who may call, and what they may do."""

from penstock.services.iam.credentials import AccessKey as AccessKey
from penstock.services.iam.credentials import Credential as Credential
from penstock.services.iam.iam import Iam as Iam
from penstock.services.iam.identity import Role as Role
