"""The HTTP door: one list of endpoints, from which routes and the OpenAPI document come."""
