"""Pages in the browser: the customer's console, and the operators'.

They can do what the HTTP door can, by its own endpoints.
"""
