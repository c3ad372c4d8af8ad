"""Speak to the payment processor and the mail server in the language of the domain."""
