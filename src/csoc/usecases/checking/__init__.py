"""The check of a fleet: from rules on every environment to a verdict, against a base, waivers and a baseline."""
