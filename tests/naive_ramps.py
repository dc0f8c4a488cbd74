"""Slow, obvious twins of the kernels that find jumps and fit ramps, and a maker of nasty ramps."""

import numpy as np

DNU, SAT, JUMP, PERSISTENCE, CHARGELOSS, NO_GAIN = 1, 2, 4, 32, 128, 1 << 19


def make_nasty(seed, shape, nframes=1, clean=False):
    """Ramps with hits, saturation, lost groups, NaN, bad gains: data, groupdq, pixeldq, gain, readnoise."""
    rng = np.random.default_rng(seed)
    n_integrations, n_groups, ny, nx = shape
    gain, noise = rng.uniform(1.5, 2.5, (ny, nx)), rng.uniform(5, 15, (ny, nx))
    rate = rng.exponential(30, (ny, nx)) * rng.choice([0.1, 1, 10, 100], (ny, nx))
    steps = rng.poisson(np.broadcast_to(rate, shape)) + (rng.random(shape) < 0.02) * rng.exponential(2000, shape)
    data = (
        steps.cumsum(axis=1)
        + rng.normal(0, 7 / np.sqrt(nframes), shape)
        + rng.normal(0, 20, (n_integrations, 1, ny, nx))
    )
    groupdq, pixeldq = np.zeros(shape, np.uint8), np.zeros((ny, nx), np.uint32)
    if not clean:
        full = np.where(
            rng.random((n_integrations, ny, nx)) < 0.2, rng.integers(0, n_groups, (n_integrations, ny, nx)), 99
        )
        groupdq[np.arange(n_groups)[None, :, None, None] >= full[:, None]] |= SAT
        for flag, share in ((DNU, 0.03), (JUMP, 0.02), (PERSISTENCE, 0.01)):
            groupdq[rng.random(shape) < share] |= flag
        pixeldq[rng.random((ny, nx)) < 0.03] |= DNU
        data[rng.random(shape) < 0.005] = np.nan
        gain[0, :3], noise[1, 0] = (np.nan, -1.0, 0.0), 0.0
        groupdq[:, :, 2, 0], groupdq[:, 1:, 2, 1], groupdq[:, :, 2, 2] = DNU, SAT, SAT
    return data.astype(np.float32), groupdq, pixeldq, gain.astype(np.float32), noise.astype(np.float32)


def naive_differences(data, groupdq, gain):
    """Differences of electrons, NaN where either group is lost."""
    electrons = np.where(groupdq & (SAT | DNU), np.float32(np.nan), data * gain)
    return np.diff(electrons, axis=1).astype(np.float64)


def naive_outliers(values, variance, thresholds, at_once):
    """Which differences of one pixel are jumps."""
    if at_once:
        median = np.nanmedian(values)
        sigma = np.sqrt(abs(median) + variance)
        return np.abs(values - median) > thresholds[0] * sigma if sigma > 0 else np.zeros(values.shape, bool)
    left = np.abs(values)
    while True:
        usable = np.sort(left[~np.isnan(left)])
        if len(usable) < 2:
            break
        median = usable[0]
        if len(usable) >= 3:
            kept = usable[usable < usable[-1]] if len(usable) >= 4 else usable
            median = np.median(kept) if len(kept) else np.nan
        sigma = np.sqrt(median + variance)
        threshold = thresholds[0] if len(usable) >= 4 else thresholds[1 if len(usable) == 3 else 2]
        ratio = np.abs(left - median) / sigma if sigma > 0 else np.zeros(left.shape)
        if not np.nanmax(ratio) > threshold:
            break
        left[ratio == np.nanmax(ratio)] = np.nan
    return np.isnan(left) & ~np.isnan(values)


def naive_jumps(data, groupdq, gain, noise, nframes, thresholds, limits, at_once):
    """Flags after the search and with the four neighbours, pixel by pixel."""
    flags = groupdq.copy()
    spread = np.zeros(flags.shape, bool)
    differences = naive_differences(data, groupdq, gain)
    for y, x in np.ndindex(gain.shape):
        values, variance = differences[:, :, y, x], float((noise[y, x] * gain[y, x]) ** 2) / nframes
        if np.isnan(values).all():
            continue
        flags[:, 1:, y, x][naive_outliers(values, variance, thresholds, at_once)] |= JUMP
        sigma = np.sqrt(abs(np.nanmedian(values)) + variance)
        ratio = np.abs(values - np.nanmedian(values)) / (sigma if sigma > 0 else np.nan)
        spread[:, 1:, y, x] = (flags[:, 1:, y, x] & JUMP != 0) & (ratio > limits[0]) & (ratio < limits[1])
    near = np.zeros(spread.shape, bool)
    for i, g, y, x in np.argwhere(spread):
        near[i, g, max(0, y - 1) : y + 2, x] = True
        near[i, g, y, max(0, x - 1) : x + 2] = True
    flags[near] |= JUMP
    flags[(flags & (SAT | DNU)) != 0] &= 255 - JUMP
    return flags


def naive_segments(flags):
    """(first, length) of the segments of one ramp."""
    good = [flag & (255 - PERSISTENCE) == 0 for flag in flags]
    jump = [flag & (255 - PERSISTENCE) == JUMP for flag in flags]
    found, g = [], 0
    while g < len(flags):
        if not good[g]:
            g += 1
            continue
        first = g - 1 if g > 0 and jump[g - 1] else g
        while g < len(flags) and good[g]:
            g += 1
        found.append((first, g - first))
    longer = [segment for segment in found if segment[1] > 1]
    return longer or found[:1]


def naive_line(values, gain, noise):
    """Slope of a segment in DN per group, by numpy's polynomial fit."""
    n = len(values)
    if n < 3:
        return values[-1] - (values[0] if n == 2 else 0)
    rise = (values[-1] - values[0]) * gain
    ratio = 0 if noise**2 + rise <= 0 else rise / np.sqrt(noise**2 + rise)
    power = [0, 0.4, 1, 3, 6, 10][sum(not ratio < limit for limit in (5, 10, 20, 50, 100))]
    number = np.arange(n)
    weight = np.abs((number - (n - 1) / 2) / ((n - 1) / 2)) ** power
    return np.polyfit(number, np.nan_to_num(values, nan=0.0), 1, w=np.sqrt(weight))[0]


def naive_median_rate(values, flags, tgroup):
    """Median rate of one integration, zero where there is none."""
    kept = np.where(flags & DNU, np.nan, values)
    steps = np.where(flags[1:] & JUMP, np.nan, np.diff(kept))
    rate = np.nanmedian(steps) if not np.isnan(steps).all() else kept[0]
    return 0.0 if np.isnan(rate) else rate / tgroup


def naive_pixel(data, flags, gain, readnoise, nframes, tgroup):
    """Averages of one good pixel: (slope, error, photon, read variance) of each integration and of all; NaN without."""
    noise = readnoise * gain / np.sqrt(2 * nframes)
    flags = np.array([f | DNU if (f & (255 - PERSISTENCE) == 0).sum() == 1 and len(f) > 1 else f for f in flags])
    values = np.where(flags & SAT, np.nan, data.astype(np.float64))
    light = max(0.0, np.mean([naive_median_rate(v, f, tgroup) for v, f in zip(values, flags, strict=True)]))
    rows, everything, unfit = [], [], (np.nan, 0, 0, 0)
    for v, f in zip(values, flags, strict=True):
        lost = bool(f[0] & SAT) or bool((f & (DNU | SAT) != 0).all())
        terms = []
        for first, n in () if lost else naive_segments(f):
            slope = naive_line(v[first : first + n], gain, noise) / tgroup
            read = 12 * (noise / tgroup) ** 2 / ((max(n, 2) ** 3 - max(n, 2)) * gain**2)
            terms.append((slope, light / (tgroup * gain * max(n - 1, 1)), read))
        everything += terms
        rows.append(unfit if lost else naive_average(terms))
    if all(row is unfit for row in rows):
        return [*rows, unfit]
    slope, _, photon, read = naive_average(everything)
    return [*rows, (slope, np.sqrt(photon + read), photon, read)]


def naive_average(terms):
    """Average of (slope, photon variance, read variance) of segments, weighted by the last."""
    if not terms:
        return 0.0, 0.0, 0.0, 0.0
    slope, photon, read = np.array(terms).T
    variance = 1 / (1 / read).sum()
    photons = 1 / (1 / photon).sum() if photon.all() else 0.0
    return (slope / read).sum() * variance, np.sqrt(1 / (1 / (photon + read)).sum()), photons, variance


def naive_covariance(rate, gain, noise, read_times):
    """Covariance matrix of the differences of groups, DN^2/s^2, summed up read by read; `noise` is that of one read."""
    reads = np.concatenate(read_times)
    photons = np.minimum.outer(reads, reads) * rate / gain + noise**2 * np.eye(len(reads))
    average = np.zeros((len(read_times), len(reads)))
    first = 0
    for group, times in enumerate(read_times):
        average[group, first : first + len(times)] = 1 / len(times)
        first += len(times)
    step = np.diff([np.mean(times) for times in read_times])
    take = np.diff(average, axis=0) / step[:, None]
    return take @ photons @ take.T, take, photons


def naive_likelihood(values, use, covariance):
    """(rate, variance, chi squared) of the differences in use."""
    inverse, values = np.linalg.inv(covariance[np.ix_(use, use)]), values[use]
    variance = 1 / inverse.sum()
    rate = variance * (inverse @ values).sum()
    return rate, variance, (values - rate) @ inverse @ (values - rate)


def naive_split_gain(values, use, covariance, step, k, reads):
    """By how much chi^2 falls if differences k and k + 1 may hold a charge that came between two of `reads` reads."""
    inverse, best = np.linalg.inv(covariance[np.ix_(use, use)]), 0.0
    before = naive_likelihood(values, use, covariance)[2]
    for read in range(1, reads):
        share = np.zeros(len(values))
        share[k : k + 2] = (reads - read) / reads / step[k], read / reads / step[k + 1]
        model = np.stack([np.ones(use.sum()), share[use]], axis=1)
        fitted = np.linalg.solve(model.T @ inverse @ model, model.T @ inverse @ values[use])
        left = values[use] - model @ fitted
        best = max(best, before - left @ inverse @ left if fitted[1] > 0 else 0)
    return best


def naive_likely_pixel(samples, lost, gain, readnoise, read_times, thresholds, split_hits=False):
    """(slope, error, photon, read variance, chi squared) of a ramp, and which differences are jumps."""
    step = np.diff([np.mean(times) for times in read_times])
    values, use = np.diff(samples) / step, ~(lost[1:] | lost[:-1])
    noise, shared = readnoise / np.sqrt(2), np.array([len(times) > 1 for times in read_times[1:-1]])
    jumps = np.zeros(len(values), bool)
    guess = max(np.median(values[use]), 0) if use.any() else 0
    covariance, *_ = naive_covariance(guess, gain, noise, read_times)
    fewest = 3
    while use.sum() >= fewest:
        chi_squared = naive_likelihood(values, use, covariance)[2]
        gains = []
        for k in range(len(values)):
            for number in (1, 2):
                omitted = np.arange(k, k + number)
                if omitted[-1] >= len(values) or not use[omitted].all() or (number == 2 and not shared[k]):
                    continue
                if number == 2 and use.sum() < 4:
                    continue
                fewer = use.copy()
                fewer[omitted] = False
                gain_by = chi_squared - naive_likelihood(values, fewer, covariance)[2]
                if number == 2 and split_hits:
                    gain_by = naive_split_gain(values, use, covariance, step, k, len(read_times[k + 1]))
                gains.append((gain_by - thresholds[number - 1], k, number))
        best, k, number = max(gains)
        if best <= 0:
            break
        use[k : k + number], jumps[k : k + number], fewest = False, True, 4
    if not use.any():
        return (np.nan,) * 5, jumps
    rate = max(naive_likelihood(values, use, covariance)[0], 0)
    covariance, take, _ = naive_covariance(rate, gain, noise, read_times)
    slope, variance, chi_squared = naive_likelihood(values, use, covariance)
    weights = np.zeros(len(values))
    weights[use] = np.linalg.inv(covariance[np.ix_(use, use)]).sum(axis=0) * variance
    read = noise**2 * np.sum((weights @ take) ** 2)
    return (slope, np.sqrt(variance), variance - read, read, chi_squared), jumps
