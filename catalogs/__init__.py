"""Price lists as YAML and the reader that validates them."""
