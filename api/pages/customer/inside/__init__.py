"""What products show inside their own pages: a question with its price, and a balance."""
