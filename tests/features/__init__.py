"""Which feature is proven by which test: the rows, and the page that is made of them."""
