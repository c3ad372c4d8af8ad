"""The HTTP door: health, the processor's webhook, the links in mails."""
