"""Every message, parsed from JSON text with a reason for every refusal."""
