"""AWS::S3::Bucket: a name, versioning and tags.

Nothing here is public and every object is the bucket owner's, so `PublicAccessBlockConfiguration`
and `OwnershipControls` of BucketOwnerEnforced ask for what is so anyway. `BucketEncryption` of
AES256 is taken without claiming it, as for objects (docs/adr/0018-what-s3-takes.md). Any other
setting is refused by name.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.stacks.handlers.api_shapes import UnknownProperty
from penstock.stacks.handlers.handler import Properties, ResourceRequest, Succeeded
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types.compared_resource import ComparedResource
from penstock.stacks.resource_types.kept_resource import changed

_LONGEST = 63


class S3Bucket(ComparedResource):
    """A bucket; Ref gives its name. Only an empty one is deleted."""

    service = "s3"
    properties = frozenset(
        {
            "AccessControl",
            "BucketEncryption",
            "BucketName",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "Tags",
            "VersioningConfiguration",
        }
    )
    taken = frozenset({"BucketAlreadyExists", "BucketAlreadyOwnedByYou"})
    gone = frozenset({"NoSuchBucket"})

    def identity(self, request: ResourceRequest) -> str:
        """Return the bucket's name."""
        return request.properties.get("BucketName") or physical_name(request, _LONGEST, lower=True)

    async def make(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Create the bucket with its tags."""
        _refuse_unlike(request.properties)
        configuration: dict[str, Any] = {"Tags": self.tag_list(request)}
        if request.region != "us-east-1":
            configuration["LocationConstraint"] = request.region
        parameters = {"Bucket": identity, "CreateBucketConfiguration": configuration}
        await self.call(request, "CreateBucket", parameters)
        return _described(request, identity)

    async def settle(self, request: ResourceRequest, physical_id: str) -> Mapping[str, Any]:
        """Enable or suspend versioning."""
        _refuse_unlike(request.properties)
        if changed(request, "VersioningConfiguration"):
            wanted = self.wanted(request, "PutBucketVersioning", ["VersioningConfiguration"])
            wanted.setdefault("VersioningConfiguration", {"Status": "Suspended"})
            await self.call(request, "PutBucketVersioning", {"Bucket": physical_id, **wanted})
        return {}

    async def remove(self, request: ResourceRequest, physical_id: str) -> None:
        """Delete the bucket, which must be empty."""
        await self.call(request, "DeleteBucket", {"Bucket": physical_id})

    async def look(self, request: ResourceRequest, identity: str) -> Succeeded:
        """Ask whether the bucket is there."""
        await self.call(request, "HeadBucket", {"Bucket": identity})
        return _described(request, identity)

    async def actual(self, request: ResourceRequest, physical_id: str) -> dict[str, Any]:
        """Return name and versioning; what else is honoured is so of every bucket."""
        bucket = {"Bucket": physical_id}
        await self.call(request, "HeadBucket", bucket)
        status = (await self.call(request, "GetBucketVersioning", bucket)).get("Status")
        versioning = {"Status": status} if status else None
        return {"BucketName": physical_id, "VersioningConfiguration": versioning}

    async def tags(self, request: ResourceRequest, found: Succeeded) -> Mapping[str, str]:
        """Return the bucket's tags."""
        try:
            bucket = {"Bucket": found.physical_resource_id}
            return self.from_list((await self.call(request, "GetBucketTagging", bucket))["TagSet"])
        except ServiceError as error:
            if error.code != "NoSuchTagSet":
                raise
            return {}

    async def retag(
        self,
        request: ResourceRequest,
        physical_id: str,
        added: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Change the bucket's tags, which S3 replaces as a whole."""
        before = await self.tags(request, Succeeded(physical_id))
        kept = {key: value for key, value in before.items() if key not in removed}
        tagging = {"TagSet": self.as_list(kept | dict(added))}
        await self.call(request, "PutBucketTagging", {"Bucket": physical_id, "Tagging": tagging})


def _described(request: ResourceRequest, name: str) -> Succeeded:
    region = request.region
    attributes = {
        "Arn": arn("s3", "", "", name),
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
    }
    return Succeeded(name, attributes)


def _refuse_unlike(properties: Properties) -> None:
    """Raise UnknownProperty for a setting that asks for other than what buckets are here."""
    if properties.get("AccessControl", "Private") != "Private":
        raise UnknownProperty("/AccessControl (other than Private)")
    rules = (properties.get("OwnershipControls") or {}).get("Rules") or ()
    if any(rule.get("ObjectOwnership") != "BucketOwnerEnforced" for rule in rules):
        raise UnknownProperty("/OwnershipControls (other than BucketOwnerEnforced)")
    encryption = properties.get("BucketEncryption") or {}
    for rule in encryption.get("ServerSideEncryptionConfiguration") or ():
        default = rule.get("ServerSideEncryptionByDefault") or {}
        if default.get("SSEAlgorithm", "AES256") != "AES256":
            raise UnknownProperty("/BucketEncryption (other than AES256)")
