"""How much memory a job of stage 1 takes, and what is done when that would be too much: one place for the formula.

Asked while Snakemake lays out the workflow, so there are no arrays here, only numbers.
"""

import math

# Samples of a ramp that is calibrated at one go: twice 20 groups of a whole detector just fit. Larger ones lie in a
# temporary file and are worked on in blocks of integrations of at most so many samples.
MOST_SAMPLES = 5 << 25


def list_blocks(shape):
    """(first, past the last) integration of the blocks that a ramp [integration, group, y, x] is worked on in."""
    n_integrations, samples = shape[0], math.prod(shape[1:])
    if n_integrations * samples <= MOST_SAMPLES:
        return [(0, n_integrations)]
    length = max(1, MOST_SAMPLES // samples)
    return [(first, min(first + length, n_integrations)) for first in range(0, n_integrations, length)]
