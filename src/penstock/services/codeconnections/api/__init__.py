"""The operations of CodeConnections, under both of its names."""

from penstock.aws.service import Service, bind
from penstock.services.codeconnections.api import connections, tags
from penstock.services.codeconnections.connections import SERVICES, Connections

OPERATIONS = {
    "CreateConnection": connections.create_connection,
    "DeleteConnection": connections.delete_connection,
    "GetConnection": connections.get_connection,
    "ListConnections": connections.list_connections,
    "ListTagsForResource": tags.list_tags_for_resource,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
}


def services(domain: Connections) -> list[Service]:
    """Return CodeConnections and CodeStar Connections, which are one, on `domain`."""
    return [Service(name, bind(domain, OPERATIONS)) for name in SERVICES]
