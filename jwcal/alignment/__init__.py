"""Aligning exposures with each other and with stars: sources, matching, fits, and the corrections that follow."""
