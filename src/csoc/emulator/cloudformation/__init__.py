"""Stacks that behave like CloudFormation's: they take time, tell what happens, roll back, and say what would be
replaced.

moto's own stacks act at once and never fail; what csoc plans and recovers from cannot be tried on them. The template
and the decisions are pure; resources are made through the services that own them, in the name of whoever runs the
stack.
"""
