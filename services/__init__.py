"""Three services that never import one another, and the commands that start them."""
