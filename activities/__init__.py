"""Activities: each one transaction or one call to the processor, safe to repeat."""
