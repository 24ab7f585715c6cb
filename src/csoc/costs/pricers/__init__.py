"""What each type of resource costs: one pricer a type, in a table."""
