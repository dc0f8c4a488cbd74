"""NIRSpec's coordinates: from its slits, shutters and slices to the detector, and back."""
