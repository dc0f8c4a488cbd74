"""NIRSpec's IRS2 read-out: reference pixels that are read in between all others, and what they tell of the noise."""
