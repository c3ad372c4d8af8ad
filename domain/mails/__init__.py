"""What each mail says, as plain facts: no wording, no formatting, no addresses but the reader's.

Credits are micro-credits (`…_micro`), money is minor units of `currency` as the payment processor
counts them (`…_minor`), points in time are aware. Wording and formats are the letter's business.
"""
