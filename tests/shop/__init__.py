"""A made-up shop: its KPIs, its events, good and bad, and the judgement of every number about them."""
