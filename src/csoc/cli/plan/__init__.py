"""The life of a plan: launched or planned, shown, approved, applied or destroyed, and how that stands. One module a
command."""
