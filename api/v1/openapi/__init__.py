"""The OpenAPI document of the door, made from its list of endpoints, and its pages."""
