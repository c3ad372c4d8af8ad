"""The list: what is not here does not exist. Paths are tried in turn: the hot ones come first."""

from api.v1.endpoints.checks import CHECKS
from api.v1.endpoints.holds import HOLDS
from api.v1.endpoints.usage import USAGE

ENDPOINTS = (*USAGE, *CHECKS, *HOLDS)
