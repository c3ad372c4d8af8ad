"""All reads, in the order in which their paths are tried."""

from api.v1.reads.alerts import ALERTS
from api.v1.reads.customers import CUSTOMERS, STATE
from api.v1.reads.lists import LISTS
from api.v1.reads.payments import PAYMENTS
from api.v1.reads.sellers import SELLERS
from api.v1.reads.stream import STREAM
from api.v1.reads.team import TEAM_READS
from api.v1.reads.usage import CUSTOMER_USAGE

READS = (
    *SELLERS,
    *STREAM,
    *CUSTOMERS,
    *CUSTOMER_USAGE,
    *LISTS,
    *ALERTS,
    *TEAM_READS,
    *PAYMENTS,
    *STATE,
)
