"""What infrastructure costs before it exists: a price table with date and region, and estimates from templates."""
