"""The customer's console: what a customer, a team's admin or a member sees and does."""
