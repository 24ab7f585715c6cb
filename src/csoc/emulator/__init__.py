"""A cloud and clusters that answer like the real ones where it matters, so that provisioning runs without an account.

`cloud` answers as AWS does, `iam` decides as AWS does who may do what, `cloudformation` keeps stacks, `kubernetes`
holds simulated clusters. Adapters cannot tell: they get an endpoint. What differs from the real thing is listed in
docs/emulator.md.
"""
