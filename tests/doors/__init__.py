"""Who gets in, and what whoever is outside can do to us."""
