"""Many small systems of linear equations with Hermitian, positive matrices: the normal equations of Fourier series.

Solved by Cholesky's decomposition, A = L L*. Written out here, since the bits of a threaded library depend on the
number of its threads.
"""

import numpy as np
from numba import prange

from jwcal.kernels import image, pixel

SMALLEST = 1e-4  # pivot relative to the diagonal below which the data hardly determine an unknown


@image
def solve_hermitian(matrices, right):
    """Solve A x = b for each of several systems.

    Parameters
    ----------
    matrices : complex128 [system, k, k]
        The lower triangles count; overwritten.
    right : complex128 [system, k]
        Right-hand sides.

    Returns
    -------
    complex128 [system, k]
        Solutions; NaN where a matrix is singular, or nearly so (the noise of the data would grow a hundredfold).
    """
    solutions = np.empty_like(right)
    for s in prange(matrices.shape[0]):
        if _decompose(matrices[s]):
            _substitute(matrices[s], right[s], solutions[s])
        else:
            solutions[s] = np.nan
    return solutions


@pixel
def _decompose(a):
    """Replace the lower triangle by L; False where the matrix is singular."""
    for k in range(a.shape[0]):
        pivot = a[k, k].real
        limit = SMALLEST * pivot
        for m in range(k):
            pivot -= a[k, m].real ** 2 + a[k, m].imag ** 2
        if not pivot > limit:
            return False
        root = np.sqrt(pivot)
        a[k, k] = root
        for row in range(k + 1, a.shape[0]):
            total = a[row, k]
            for m in range(k):
                total -= a[row, m] * np.conj(a[k, m])
            a[row, k] = total / root
    return True


@pixel
def _substitute(lower, right, solution):
    """Forward and backward substitution."""
    size = right.size
    for k in range(size):
        total = right[k]
        for m in range(k):
            total -= lower[k, m] * solution[m]
        solution[k] = total / lower[k, k]
    for k in range(size - 1, -1, -1):
        total = solution[k]
        for m in range(k + 1, size):
            total -= np.conj(lower[m, k]) * solution[m]
        solution[k] = total / lower[k, k]
