"""The payment processor and the mail server, behind domain types."""
