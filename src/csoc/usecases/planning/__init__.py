"""Plans as a person wants them: made, shown, approved, and compared with the world."""
