"""The likeliest rate through correlated differences of groups, and what omitting one or two of them would gain.

A group is the mean of some reads. Differences d_k of neighbouring groups, each divided by the time between them,
scatter about the rate a by photon and read noise; a group enters two differences, so that their covariance matrix V is
tridiagonal, with alpha_k on and beta_k beside the diagonal. The likeliest rate and its variance are

    a = 1'V^-1 d / 1'V^-1 1,   var a = 1 / 1'V^-1 1,   chi^2 = d'V^-1 d - a 1'V^-1 d.

V = L D L' is eliminated downwards (`eliminate`); upwards follow u = V^-1 1, r = V^-1 (d - a 1) and the elements of V^-1
on and beside the diagonal. With S = V^-1 - u u' var a, omitting difference k lowers chi^2 by r_k^2 / S_kk, omitting two
neighbours by their r, times the inverse of their block of S, times their r (`seek_outliers`). If the two share the
charge w of a hit between two of the reads of their common group, to allow for it lowers chi^2 by (w'r)^2 / w'Sw. A
difference that is not used has no covariance with others and no weight. No determinant is formed: nothing overflows,
however long the ramp.

All arrays run over pixels side by side in their last axis, which the processor takes several at a time.

References: Brandt 2024, PASP 136, 045004 and 045005.
"""

import numpy as np

from jwcal.kernels import leaf

PHOTON_ALPHA, READ_ALPHA, PHOTON_BETA, READ_BETA, PAIR, STEP = range(6)  # rows of the table of `tabulate_covariance`


def tabulate_covariance(read_times, split_hits=False):
    """Coefficients of the covariance matrix of the differences of neighbouring groups.

    Parameters
    ----------
    read_times : list of float array
        Times of the reads that are averaged in each group, s.
    split_hits : bool
        Whether two differences have to share a charge to be outliers together.

    Returns
    -------
    float64 [6, difference]
        Factors of rate / gain and of the squared noise of a read in alpha, the same in beta (of a difference and the
        next; 0 for the last); where a difference and the next share a group of several reads, the number of these if
        hits are split among them, else 1; and the time, s.
    """
    reads = np.array([len(times) for times in read_times], float)
    mean = np.array([np.mean(times) for times in read_times])
    spread = np.array([_photon_time(np.asarray(times)) for times in read_times])
    step = np.diff(mean)
    table = np.zeros((6, step.size))
    table[PHOTON_ALPHA] = (spread[:-1] + spread[1:] - 2 * mean[:-1]) / step**2
    table[READ_ALPHA] = (1 / reads[:-1] + 1 / reads[1:]) / step**2
    table[PHOTON_BETA, :-1] = (mean[1:-1] - spread[1:-1]) / (step[1:] * step[:-1])
    table[READ_BETA, :-1] = -1 / (reads[1:-1] * step[1:] * step[:-1])
    table[PAIR, :-1] = np.where(reads[1:-1] > 1, reads[1:-1] if split_hits else 1, 0)
    table[STEP] = step
    return table


def _photon_time(times):
    """Time whose photons have the variance of the mean of reads at these times: read i of n shares those before it."""
    n = times.size
    return np.sum((2 * (n - np.arange(n)) - 1) * times) / n**2


@leaf
def _eliminate_row(photon, read, photon_beta, read_beta, rows, before, rates, noise, count, sums):
    values, used, pivot, ones, data = rows
    used_before, pivot_before, ones_before, data_before = before
    for w in range(count):
        beta = (photon_beta * noise[0, w] + read_beta * noise[1, w]) * used[w] * used_before[w]
        factor = beta * pivot_before[w]
        inverse = 1.0 / (photon * noise[0, w] + read * noise[1, w] - factor * beta)
        one = used[w] - factor * ones_before[w]
        value = used[w] * (values[w] - rates[w]) - factor * data_before[w]
        pivot[w], ones[w], data[w] = inverse, one, value
        sums[0, w] += inverse * one * one
        sums[1, w] += inverse * one * value
        sums[2, w] += inverse * value * value


@leaf
def eliminate(values, used, table, rates, noise, count, matrix, sums):
    """Go down the differences of the first `count` pixels.

    Parameters
    ----------
    values, used : float64 [difference, pixel]
        Differences, DN/s; 1 for those to be used, else 0.
    table : float64 [6, difference]
        Of `tabulate_covariance`.
    rates : float64 [pixel]
        Rates to be subtracted first, so that no digits are lost to them, DN/s.
    noise : float64 [2, pixel]
        Variances: of photons, rate over gain, DN^2/s; of a read, DN^2.
    count : int
        Pixels to be done.
    matrix : float64 [3, difference + 1, pixel]
        Filled, from the second row on, with inverse pivots and both right sides, 1 and d, after elimination. The first
        row is zero.
    sums : float64 [5, pixel]
        Filled with 1'V^-1 1, 1'V^-1 d and d'V^-1 d, the variance of the rate, and by how much it exceeds `rates`.
    """
    for k in range(3):
        for w in range(count):
            sums[k, w] = 0.0
    photon_beta, read_beta = 0.0, 0.0
    for k in range(values.shape[0]):
        rows = values[k], used[k], matrix[0, k + 1], matrix[1, k + 1], matrix[2, k + 1]
        before = used[max(k - 1, 0)], matrix[0, k], matrix[1, k], matrix[2, k]
        photon, read = table[PHOTON_ALPHA, k], table[READ_ALPHA, k]
        _eliminate_row(photon, read, photon_beta, read_beta, rows, before, rates, noise, count, sums)
        photon_beta, read_beta = table[PHOTON_BETA, k], table[READ_BETA, k]
    for w in range(count):
        sums[3, w] = 1.0 / sums[0, w]
        sums[4, w] = sums[1, w] * sums[3, w]


@leaf
def _seek_single(k, photon_beta, read_beta, rows, used_next, noise, count, sums, later, now, best):
    """Go up by one difference: `later` and `now` are u, r, and the diagonals of V^-1 and S of the next one and this."""
    used, pivot, ones, data = rows
    for w in range(count):
        beta = (photon_beta * noise[0, w] + read_beta * noise[1, w]) * used[w] * used_next[w]
        factor = beta * pivot[w]
        u = ones[w] * pivot[w] - factor * later[0, w]
        r = (data[w] - sums[4, w] * ones[w]) * pivot[w] - factor * later[1, w]
        inverse = pivot[w] + factor * factor * later[2, w]
        s = inverse - u * u * sums[3, w]
        one = r * r / s
        better = one > best[0, w]
        best[0, w], best[1, w] = one if better else best[0, w], k if better else best[1, w]
        now[0, w], now[1, w], now[2, w], now[3, w] = u, r, inverse, s
        now[4, w] = -factor * later[2, w]


@leaf
def _seek_pair(k, count, sums, later, now, best):
    for w in range(count):
        r, s = now[1, w], now[3, w]
        beside = now[4, w] - now[0, w] * later[0, w] * sums[3, w]
        two = r * r * later[3, w] - 2 * r * later[1, w] * beside + later[1, w] * later[1, w] * s
        two /= s * later[3, w] - beside * beside
        better = two > best[2, w]
        best[2, w], best[3, w] = two if better else best[2, w], k if better else best[3, w]


@leaf
def _seek_split(k, reads, step, next_step, count, sums, later, now, best):
    """A pair that shares the charge of a hit, which is positive, after the first `read` of the `reads` they share."""
    for w in range(count):
        now[4, w] -= now[0, w] * later[0, w] * sums[3, w]  # the element of S beside the diagonal
    for read in range(1, np.int64(reads)):
        one, next_one = (reads - read) / step, read / next_step
        squares = one * one, 2 * one * next_one, next_one * next_one
        for w in range(count):
            rise = one * now[1, w] + next_one * later[1, w]
            gain = rise * rise if rise > 0 else 0.0
            gain /= squares[0] * now[3, w] + squares[1] * now[4, w] + squares[2] * later[3, w]
            better = gain > best[2, w]
            best[2, w], best[3, w] = gain if better else best[2, w], k if better else best[3, w]


@leaf
def seek_outliers(used, table, noise, count, matrix, sums, later, best):
    """Go up the differences in search of those whose omission lowers chi^2 most.

    Parameters
    ----------
    used, table, noise, count, matrix, sums
        As `eliminate` takes and leaves them.
    later : float64 [2, 5, pixel]
        Scratch space.
    best : float64 [4, pixel]
        Filled with the gain in chi^2 by omitting one difference and its number, and by omitting one and the next, which
        share a group of several reads, and the number of the former. Gains are zero where there is none.
    """
    last = used.shape[0] - 1
    for j in range(4):
        for w in range(count):
            later[(last + 1) & 1, j, w], best[j, w] = 0.0, 0.0
    for k in range(last, -1, -1):
        rows = used[k], matrix[0, k + 1], matrix[1, k + 1], matrix[2, k + 1]
        betas = table[PHOTON_BETA, k], table[READ_BETA, k]
        number, next_one, this = np.float64(k), later[(k + 1) & 1], later[k & 1]
        _seek_single(number, *betas, rows, used[min(k + 1, last)], noise, count, sums, next_one, this, best)
        if table[PAIR, k] > 1:
            steps = table[STEP, k], table[STEP, k + 1]
            _seek_split(number, table[PAIR, k], *steps, count, sums, next_one, this, best)
        elif table[PAIR, k] > 0:
            _seek_pair(number, count, sums, next_one, this, best)


@leaf
def _weigh_row(coefficients, used, used_next, pivot, ones, noise, count, later, variances):
    photon, read, photon_beta, read_beta = coefficients
    for w in range(count):
        factor = (photon_beta * noise[0, w] + read_beta * noise[1, w]) * used[w] * used_next[w] * pivot[w]
        u = ones[w] * pivot[w] - factor * later[0, w]
        variances[0, w] += u * (photon * u + 2 * photon_beta * later[0, w])
        variances[1, w] += u * (read * u + 2 * read_beta * later[0, w])
        later[0, w] = u


@leaf
def split_variances(used, table, noise, count, matrix, sums, later, variances):
    """Variances of the rates by photons and by reads, (DN/s)^2, into `variances` (float64 [2, pixel]).

    Arguments as for `seek_outliers`.
    """
    row = later[0]
    for w in range(count):
        row[0, w], variances[0, w], variances[1, w] = 0.0, 0.0, 0.0
    last = used.shape[0] - 1
    for k in range(last, -1, -1):
        coefficients = table[PHOTON_ALPHA, k], table[READ_ALPHA, k], table[PHOTON_BETA, k], table[READ_BETA, k]
        used_next = used[min(k + 1, last)]
        _weigh_row(coefficients, used[k], used_next, matrix[0, k + 1], matrix[1, k + 1], noise, count, row, variances)
    for j in range(2):
        for w in range(count):
            variances[j, w] *= noise[j, w] * sums[3, w] * sums[3, w]
