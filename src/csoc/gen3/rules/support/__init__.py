"""What several rules share: reading hostile objects, being sure, finding what pods need, patches. No rule is here."""
