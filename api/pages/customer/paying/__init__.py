"""The pages where money is spent: buying, auto-purchase, cards, invoices."""
