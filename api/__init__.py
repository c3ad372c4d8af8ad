"""The HTTP door: health and the processor's webhook."""
