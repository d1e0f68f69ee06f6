"""What was bought: meters, and readers that turn any provider's body into them."""
