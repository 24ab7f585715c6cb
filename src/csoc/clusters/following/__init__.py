"""Follows an Application until what it deploys is healthy, or says what keeps it."""
