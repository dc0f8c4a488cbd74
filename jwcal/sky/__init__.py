"""The sky in and between exposures: its levels, where they overlap, and its statistics."""
