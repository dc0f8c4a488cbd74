"""1/f noise of the near-infrared read-out: which pixels show it undisturbed, its level, its form, its removal."""
