"""The operators' console: support, finance and those who run the engine."""
