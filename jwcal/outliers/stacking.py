"""Outliers of images that were not dithered: each against the median of all, pixel by pixel of the detector."""

import numpy as np

from jwcal.drizzling import constant_weight, find_level
from jwcal.errors import JwcalError
from jwcal.kernels.drizzle_weights import weigh_pixels
from jwcal.kernels.outlier_flags import compare_directly
from jwcal.memory.scratch import Scratch
from jwcal.outliers.imaging import CLIPPING, TO_COMPARE, TO_DRIZZLE, combine
from jwcal.outliers.maps import OutlierMap
from jwcal.outliers.weights import average_positive

ABSENT = np.zeros((0, 0), np.float32)


def find_outliers(load, groups, recipe, thresholds, keep=None):
    """Find the outliers of images that share a pointing; parameters as for `imaging.find_outliers`.

    Here `groups` are the exposures of one detector; `recipe` says how pixels are weighted. A measured sky level that
    the exposures still contain is taken away before they are compared.
    """
    found = {}
    for members in groups:
        with Scratch() as scratch:
            parts = [scratch.keep(_mask_light(load(index, TO_DRIZZLE), recipe, thresholds)) for index in members]
            shape = parts[0].ny, parts[0].nx
            if any((part.ny, part.nx) != shape for part in parts):
                raise JwcalError("exposures of one detector differ in size; set resample_data: true")
            median = combine(scratch, parts, shape)
            expected = scratch.read(median, (0, median.ny))
        if keep:
            keep("median", members[0], expected)
        for index in members:
            image = load(index, TO_COMPARE)
            flags = compare_directly(image.data, image.err, expected, find_level(image), thresholds.snr[0])
            found[index] = OutlierMap.pack(flags)
    return [found[index] for index in sorted(found)]


def _mask_light(image, recipe, thresholds):
    """Data without sky level, NaN where their weight is below `maskpt` of the typical one."""
    ny, nx = image.data.shape
    constant = constant_weight(image, recipe.weight_type)
    rows = np.tile(np.array([0, nx - 1]), (ny, 1))
    variance = ABSENT if image.var_rnoise is None else image.var_rnoise
    weight = weigh_pixels((image.data, ABSENT, variance, ABSENT, ABSENT), image.dq, recipe.bad, constant, rows)
    data = image.data - np.float32(find_level(image))
    data[~(weight >= average_positive(weight, *CLIPPING) * thresholds.maskpt) | (weight == 0)] = np.nan
    return data
