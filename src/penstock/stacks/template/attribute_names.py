"""Attributes that no schema names: AWS calls them otherwise, or each resource has its own. Pure.

Sources: "Return values" of AWS::ElastiCache::ReplicationGroup (whose schema says AddressesList and
PortsList) and of AWS::ServiceCatalog::CloudFormationProvisionedProduct in CloudFormation's
template reference.
"""

from typing import Any

PROVISIONED_PRODUCT = "AWS::ServiceCatalog::CloudFormationProvisionedProduct"
"""Has, after `Outputs.`, whatever outputs its product's template has."""

_OUTPUTS = "Outputs."
_OTHER_NAMES = {
    "AWS::ElastiCache::ReplicationGroup": {
        "ReadEndPoint.Addresses.List": "ReadEndPoint.AddressesList",
        "ReadEndPoint.Ports.List": "ReadEndPoint.PortsList",
    }
}


def schema_name(type_name: str, attribute: str) -> str:
    """Return what the type's schema calls an attribute."""
    return _OTHER_NAMES.get(type_name, {}).get(attribute, attribute)


def product_output(type_name: str, ref: Any, attribute: str) -> str | None:
    """Return an output of a product, made up, as nobody provisions it here: `<Ref>-<name>`.

    None for any other attribute.
    """
    if type_name != PROVISIONED_PRODUCT or not attribute.startswith(_OUTPUTS):
        return None
    return f"{ref}-{attribute.removeprefix(_OUTPUTS)}"
