"""ApplicationSets: from generators to Applications."""
