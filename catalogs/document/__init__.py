"""A YAML document read as text: every value keeps its line, every fault is collected."""
