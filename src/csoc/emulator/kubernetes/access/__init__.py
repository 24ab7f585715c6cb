"""Who asks, and what they may: tokens, users, RBAC, the access policies of EKS."""
