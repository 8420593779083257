"""The operations of Lambda."""

from penstock.aws.service import Service, bind
from penstock.services.s3 import Objects
from penstock.workloads.functions.api import configuration, functions, invoking, permissions, tags
from penstock.workloads.functions.api.domain import Lambda
from penstock.workloads.functions.functions import Functions
from penstock.workloads.functions.invocations import Invocations

OPERATIONS = {
    "AddPermission": permissions.add_permission,
    "CreateFunction": functions.create_function,
    "DeleteFunction": functions.delete_function,
    "GetFunction": functions.get_function,
    "GetFunctionConfiguration": configuration.get_function_configuration,
    "GetPolicy": permissions.get_policy,
    "Invoke": invoking.invoke,
    "ListFunctions": functions.list_functions,
    "ListTags": tags.list_tags,
    "RemovePermission": permissions.remove_permission,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateFunctionCode": functions.update_function_code,
    "UpdateFunctionConfiguration": configuration.update_function_configuration,
}


def service(functions: Functions, invocations: Invocations, objects: Objects) -> Service:
    """Return Lambda on `functions`; code is fetched from `objects`."""
    return Service("lambda", bind(Lambda(functions, invocations, objects), OPERATIONS))
