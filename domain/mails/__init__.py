"""What each mail says, as plain facts without wording or formatting.

Credits are micro-credits (`…_micro`), money is minor units of `currency` as the payment processor
counts them (`…_minor`), instants are aware. Wording and number formats belong to the templates.
"""
