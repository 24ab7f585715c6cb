"""What csoc knows about Gen3: its services and chart, what runs where, and what is wrong with it."""
