"""The endpoint by which callers name us: one a Temporal cluster, made by who may administer it."""

from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import (
    CreateNexusEndpointRequest,
    ListNexusEndpointsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import InvalidInput
from nexus.service import NAME
from workflows import names


async def ensure(client: Client, name: str = NAME) -> bool:
    """Make the endpoint lead to our queue; return whether it was missing.

    Raises `InvalidInput` (`endpoint_taken`) if it leads elsewhere: callers of another deployment
    rely on it.
    """
    target = EndpointTarget(
        worker=EndpointTarget.Worker(namespace=client.namespace, task_queue=names.BILLING)
    )
    request = CreateNexusEndpointRequest(spec=EndpointSpec(name=name, target=target))
    try:
        await client.operator_service.create_nexus_endpoint(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
    else:
        return True
    listed = await client.operator_service.list_nexus_endpoints(
        ListNexusEndpointsRequest(name=name)
    )
    if any(one.spec.target != target for one in listed.endpoints):
        raise InvalidInput("endpoint_taken", f"the Nexus endpoint {name} leads elsewhere")
    return False
