"""What AWS asks for what csoc makes: one file a region, and the list of what stands in each."""
