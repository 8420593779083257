"""The wire: AWS's protocols, served generically from botocore's service models."""
