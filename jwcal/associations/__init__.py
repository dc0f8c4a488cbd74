"""Which exposures belong together, and in which role: the user's files, the archive's pools, or rules on headers."""
