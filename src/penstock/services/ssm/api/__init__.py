"""The operations of Systems Manager that are about parameters."""

from penstock.aws.service import Service, bind
from penstock.services.ssm.api import changing, labels, listing, reading, tags
from penstock.services.ssm.parameters import Parameters

OPERATIONS = {
    "AddTagsToResource": tags.add_tags_to_resource,
    "DeleteParameter": changing.delete_parameter,
    "DeleteParameters": changing.delete_parameters,
    "DescribeParameters": listing.describe_parameters,
    "GetParameter": reading.get_parameter,
    "GetParameterHistory": reading.get_parameter_history,
    "GetParameters": reading.get_parameters,
    "GetParametersByPath": listing.get_parameters_by_path,
    "LabelParameterVersion": labels.label_parameter_version,
    "ListTagsForResource": tags.list_tags_for_resource,
    "PutParameter": changing.put_parameter,
    "RemoveTagsFromResource": tags.remove_tags_from_resource,
    "UnlabelParameterVersion": labels.unlabel_parameter_version,
}


def service(parameters: Parameters) -> Service:
    """Return Systems Manager on `parameters`."""
    return Service("ssm", bind(parameters, OPERATIONS))
