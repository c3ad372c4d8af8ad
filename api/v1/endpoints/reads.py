"""All reads, in the order in which their paths are tried."""

from api.v1.endpoints.customers import CUSTOMERS, STATE

READS = (*CUSTOMERS, *STATE)
