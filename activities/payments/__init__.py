"""The payment processor: charges, invoices, refunds, reconciliation."""
