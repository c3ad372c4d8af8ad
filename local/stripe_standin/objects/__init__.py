"""What the processor keeps: payers, cards, invoices, money sent back."""
