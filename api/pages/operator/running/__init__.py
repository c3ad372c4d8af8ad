"""Pages for those who keep the engine running: health, finance, webhooks, keys, accounts."""
