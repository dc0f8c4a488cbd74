"""How a job stays within its memory: what it may take, arrays in files that are mapped, integrations in blocks."""
