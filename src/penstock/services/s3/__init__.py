"""S3: buckets and objects, their contents in files and everything else in the database."""

from penstock.services.s3.objects import Objects, StoredObject

__all__ = ["Objects", "StoredObject"]
