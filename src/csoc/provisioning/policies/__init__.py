"""What a plan may not do without more than an approval: one module a policy, a table that lists them."""
