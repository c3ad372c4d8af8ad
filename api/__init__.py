"""The HTTP process: health, the processor's webhook, the pages that mails link to."""
