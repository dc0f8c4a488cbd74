"""Results of each segment of each ramp, for those who want to see how a rate came about.

Besides slope and variances: the line's value at the first group's number zero and its uncertainty, the weight in the
average, the size of each jump, and the pedestal, which is the first group's signal less what the slope gathered since
the reset.
"""

import numpy as np

from jwcal.kernels import leaf, pixel
from jwcal.kernels.ramp_blocks import load_stretch, load_traits, make_block
from jwcal.kernels.ramp_ols import split_ramp
from jwcal.kernels.ramp_results import INVALID, invert_weight
from jwcal.kernels.ramp_segments import JUMP_DET, SATURATED
from jwcal.kernels.ramp_slopes import POWERS, choose_power, fit_rise, single_time, weigh_reads
from jwcal.kernels.sorting import WIDTH

SLOPE, SLOPE_ERROR, PHOTONS, READ, INTERCEPT, INTERCEPT_ERROR, WEIGHT = range(7)  # planes of the results


@leaf
def fit_intercept(values, first, n, w, number, gain, noise):
    """Errors of slope and intercept, and the intercept, of a segment whose first group has the given number.

    Returns the error of the slope per group (e-), the intercept (DN) and its error (e-); zeros for a single group.
    """
    rise = np.float64(values[first + n - 1, w]) - np.float64(values[first, w])
    middle = (n - 1) / 2
    power = POWERS[choose_power(rise, gain, noise)] if n > 2 else 0.0
    weight, square, signal, product = 0.0, 0.0, 0.0, 0.0
    for k in range(n):
        arm = k - middle
        share = abs(arm / max(middle, 0.5)) ** power
        value = np.float64(values[first + k, w])
        value = 0.0 if n > 2 and value != value else value
        weight += share
        square += share * arm * arm
        signal += share * value
        product += share * arm * value
    position = number + middle
    result = 0.0, 0.0, 0.0
    if n == 2:
        result = np.sqrt(2.0) * noise, signal / 2 - position * rise, np.sqrt(2.0) * noise
    elif n > 2:
        intercept = signal / weight - position * product / square
        error = noise * np.sqrt((square + weight * position * position) / (weight * square))
        result = noise / np.sqrt(square), intercept, error
    return result


@leaf
def _describe_ramp(values, w, first, count, segments, traits, single, group_time, coefficients, results, i, y, x):
    """Write the segments of one ramp into `results` as far as there is room; returns their weighted slope."""
    gain, noise, light = traits[0, w], traits[1, w], traits[2, w]
    total, slopes = 0.0, 0.0
    for s in range(count):
        row, n = segments[0, s], segments[1, s]
        time = single if n == 1 else group_time
        weight = weigh_reads(n) * (time * gain / noise) ** 2 if n < 3 or gain > 0 else np.inf
        slope = fit_rise(values, row, n, w, gain, noise, coefficients) / time
        total += weight
        slopes += weight * slope
        if s < results.shape[2]:
            error, intercept, intercept_error = fit_intercept(values, row, n, w, row - first, gain, noise)
            results[SLOPE, i, s, y, x], results[SLOPE_ERROR, i, s, y, x] = slope, error
            results[PHOTONS, i, s, y, x] = light / (time * gain * max(n - 1, 1))
            results[READ, i, s, y, x], results[WEIGHT, i, s, y, x] = 1.0 / weight, weight
            results[INTERCEPT, i, s, y, x], results[INTERCEPT_ERROR, i, s, y, x] = intercept, intercept_error
    return slopes * invert_weight(total)


@leaf
def _list_jumps(data, flags, first, w, start, jumps, i, y, x):
    """Write the sizes of a ramp's jumps, DN, as far as there is room; returns their number."""
    count = 0
    for row in range(first + 1, first + flags.shape[0] // data.shape[0]):
        if flags[row, w] & JUMP_DET:
            if count < jumps.shape[1]:
                g = start + row - first
                lost = (flags[row, w] | flags[row - 1, w]) & SATURATED
                jumps[i, count, y, x] = np.nan if lost else data[i, g, y, x] - data[i, g - 1, y, x]
            count += 1
    return count


@pixel
def describe_segments(
    data, groupdq, pixeldq, zeroframe, maps, extra, timing, rules, coefficients, since_reset, outputs
):
    """Write the results of each segment.

    Parameters
    ----------
    data, groupdq, pixeldq, zeroframe, maps, extra, timing, rules, coefficients
        As in `ramp_ols.fit_ramps`.
    since_reset : float
        Time from the reset to the mean of the first group, s.
    outputs : tuple
        float32 [7, integration, segment, y, x] results, float32 [integration, jump, y, x] sizes of jumps, and float32
        [integration, y, x] pedestals; filled with zeros. What exceeds their second axes is left out.

    Returns
    -------
    (int, int)
        Most segments, and most jumps, of any ramp.
    """
    results, jumps, pedestals = outputs
    n_integrations, n_groups = data.shape[0], rules[1] - rules[0]
    block, scratch = make_block(n_integrations, n_groups)
    values, flags, unions, kinds = block
    segments = np.zeros((2, n_groups + 1), np.int64)
    most_segments, most_jumps = 0, 0
    for y in range(data.shape[2]):
        for x0 in range(0, data.shape[3], WIDTH):
            x1 = min(x0 + WIDTH, data.shape[3])
            load_stretch(data, groupdq, zeroframe, extra, timing, rules, (y, x0, x1), block, scratch)
            traits = np.empty((3, x1 - x0))
            load_traits(maps, timing[3], y, x0, scratch[2], n_integrations, traits)
            for i in range(n_integrations):
                first = i * n_groups
                for w in range(x1 - x0):
                    kind = kinds[i, w]
                    count, dq = split_ramp(flags, first, n_groups, w, unions[i, w], kind, segments)
                    single, x = single_time(kind, timing), x0 + w
                    slope = _describe_ramp(
                        values, w, first, count, segments, traits, single, timing[0], coefficients, results, i, y, x
                    )
                    most_segments = max(most_segments, count)
                    most_jumps = max(most_jumps, _list_jumps(data, flags, first, w, rules[0], jumps, i, y, x))
                    pedestal = values[first, w] - slope * since_reset
                    lost = (dq | pixeldq[y, x]) & INVALID or not traits[0, w] > 0 or pedestal != pedestal
                    pedestals[i, y, x] = 0.0 if lost else pedestal
    return most_segments, most_jumps
