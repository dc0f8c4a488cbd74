"""outlier_detection: what is injected is found, what is real is kept, memory is bounded."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from naive_drizzle import SCALE, make_image
from naive_outliers import make_dithers

from jwcal import dq, jobs, products
from jwcal.errors import JwcalError, StepSkipped
from jwcal.models import Image, Mosaic
from jwcal.steps.outlier_detection import outlier_detection

SHAPE = (40, 36)


def inject(images, number=12, strength=40, seed=12):
    """Add outliers of `strength` errors; returns their places."""
    rng, places = np.random.default_rng(seed), []
    for image in images:
        chosen = np.zeros(image.data.shape, bool)
        chosen[rng.integers(6, SHAPE[0] - 6, number), rng.integers(6, SHAPE[1] - 6, number)] = True
        image.data[chosen] += strength * image.err[chosen]
        places.append(chosen)
    return places


def test_injected_outliers_are_found_and_nothing_else():
    images = make_dithers()
    assert sum(found.count for found in outlier_detection(images)) == 0
    places = inject(images)
    for found, expected in zip(outlier_detection(images, core_scale=0.0), places, strict=True):
        np.testing.assert_array_equal(found.mask, expected)


def test_negative_outliers_are_found_too():
    images = make_dithers()
    places = inject(images, strength=-40)
    found = np.array([found.mask for found in outlier_detection(images)])
    assert found[places].mean() > 0.9 and not found[~np.array(places)].any()


def test_pixels_flagged_before_do_not_spoil_the_median():
    images = make_dithers(count=3)
    for image in images[:2]:
        image.data[10:20, 10:20] += 100
        image.dq[10:20, 10:20] = dq.DO_NOT_USE
    found = outlier_detection(images)
    assert found[2].count == 0 and found[0].mask[12:18, 12:18].all()
    assert outlier_detection(images, good_bits=None)[2].count > 0


def test_detectors_of_one_exposure_are_combined():
    rng = np.random.default_rng(2)
    group = {"PROGRAM": "1", "OBSERVTN": "1", "VISIT": "1", "VISITGRP": "02", "SEQ_ID": "1", "ACT_ID": "01"}
    images = []
    for k in range(3):
        for side in (-20, 20):
            data = rng.normal(1, 0.05, SHAPE)
            image = make_image([data, *np.full((3, *SHAPE), 0.05**2 / 3)], 30 + (side + 2 * k) * SCALE, -40, 0.0)
            image.header.update(group | {"EXPOSURE": str(k)})
            images.append(image)
    places = inject(images)
    for found, expected in zip(outlier_detection(images), places, strict=True):
        assert found.mask[expected].mean() > 0.9 and found.mask[~expected].mean() < 2e-3
    with pytest.raises(StepSkipped, match="fewer than two"):
        outlier_detection(images[:2])


@pytest.mark.parametrize("seed", range(3))
def test_cores_of_undersampled_stars_are_kept(seed):
    images = make_dithers((80, 80), count=6, stars=25, seed=seed, width=0.45)
    official, ours = (sum(f.count for f in outlier_detection(images, core_scale=scale)) for scale in (0.0, 0.5))
    assert official > 30 and ours <= 0.05 * official
    rng, places = np.random.default_rng(seed), []
    for image in images:
        y, x = rng.integers(10, 70, (2, 30))
        places.append(np.zeros(image.data.shape, bool))
        places[-1][y, x] = True
        image.data[places[-1]] += 1.5  # thirty errors, little beside a star
    without, found = (np.array([f.mask for f in outlier_detection(images, core_scale=scale)]) for scale in (0.0, 0.5))
    assert found[places].mean() > without[places].mean() - 0.02 > 0.8


def test_a_sky_level_that_is_still_there_is_allowed_for():
    images = make_dithers()
    for k, image in enumerate(images):
        image.data += k
        image.header["BKGLEVEL"], image.header["BKGSUB"] = float(k), False
    assert sum(found.count for found in outlier_detection(images)) == 0
    images[3].header["BKGLEVEL"] = 0.0
    assert outlier_detection(images)[3].count > 500
    for image in images:
        image.data -= image.header["BKGLEVEL"]
        image.header["BKGSUB"] = True
    images[3].data -= 3
    assert sum(found.count for found in outlier_detection(images)) == 0


def test_from_files_one_at_a_time(tmp_path):
    images = make_dithers()
    inject(images)
    paths = [tmp_path / image.path for image in images]
    for path, image in zip(paths, images, strict=True):
        products.write(path, image)
    for one, two in zip(outlier_detection(images), outlier_detection(paths), strict=True):
        np.testing.assert_array_equal(one.mask, two.mask)


def test_images_are_prepared_as_they_are_read(tmp_path):
    images, prepared = make_dithers(), []
    for k, image in enumerate(images):
        image.data += k
        products.write(tmp_path / image.path, image)

    def prepare(image):
        prepared.append(image)
        image.header["BKGLEVEL"], image.header["BKGSUB"] = float(image.path[-10]), False
        return image

    found = outlier_detection([tmp_path / image.path for image in images], prepare)
    assert sum(each.count for each in found) == 0 and len(prepared) == 4


def test_undithered_images():
    rng, images = np.random.default_rng(3), make_dithers(count=5)
    still = [replace(images[0], header=image.header, path=image.path, dq=image.dq) for image in images]
    for image in still:
        image.data = image.data + rng.normal(0, 0.05, SHAPE).astype(np.float32)
    places = inject(still)
    for weight_type in ("ivm", "exptime"):
        for found, expected in zip(
            outlier_detection(still, resample_data=False, weight_type=weight_type), places, strict=True
        ):
            assert found.mask[expected].all() and (found.mask & ~expected).sum() <= 2
    still[2].header["DETECTOR"] = "NRCA2"
    assert outlier_detection(still, resample_data=False)[2].count == 0  # nothing to compare it with


def test_intermediate_results(tmp_path):
    images = make_dithers()
    places = inject(images)
    outlier_detection(images, None, tmp_path, save_intermediate_results=True, fillval="-1")
    drizzled = products.read(tmp_path / "e1_outlier_i2d.fits", Mosaic)
    median = products.read(tmp_path / "e0_median.fits", Mosaic)
    blot = products.read(tmp_path / "e1_blot.fits", Image)
    assert drizzled.data.shape == median.data.shape and blot.data.shape == SHAPE
    assert (drizzled.data[drizzled.weight == 0] == -1).all() and (drizzled.weight > 0).any()
    assert drizzled.sci_header["CTYPE1"] == "RA---TAN"
    difference = images[1].data - blot.data
    assert np.nanmedian(np.abs(difference[places[1]])) > 30 * np.nanmedian(np.abs(difference[~places[1]]))
    assert len(list(tmp_path.iterdir())) == 9


MEASURE = """
import resource, sys
from jwcal.steps.outlier_detection import outlier_detection
outlier_detection(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_number_of_exposures(tmp_path):
    images = make_dithers((600, 560), count=2, stars=2)
    outlier_detection(images)  # so that both processes find the kernels compiled
    for k, image in enumerate(images):
        products.write(tmp_path / f"{k}.fits", image)
    paths = [tmp_path / f"x{k}_cal.fits" for k in range(24)]
    for k, path in enumerate(paths):
        path.symlink_to(tmp_path / f"{k % 2}.fits")
    options = {"stdout": subprocess.PIPE, "check": True, "env": os.environ | jobs.ALLOCATION}
    eight, many = (
        int(subprocess.run([sys.executable, "-c", MEASURE, *paths[:count]], **options).stdout) for count in (8, 24)
    )
    assert many < 1.1 * eight  # the images alone are a third of it


def test_settings():
    images = make_dithers(stars=1)
    places = inject(images, strength=12)
    total = sum(mask.sum() for mask in places)
    strict, loose = (sum(f.count for f in outlier_detection(images, snr=snr)) for snr in ("14.0 13.0", [5.0, 4.0]))
    assert strict < 0.4 * total < 0.8 * total < loose
    assert sum(f.count for f in outlier_detection(images, scale=(200.0, 200.0))) < 0.2 * total
    for kernel in ("point", "turbo"):
        assert sum(f.count for f in outlier_detection(images, kernel=kernel, pixfrac=0.9)) > 0.7 * total
    with pytest.raises(JwcalError, match="snr is '5'"):
        outlier_detection(images, snr="5")
    with pytest.raises(JwcalError, match="scale is"):
        outlier_detection(images, scale=3.0)
    with pytest.raises(StepSkipped, match="fewer than two exposures"):
        outlier_detection(images[:1])
    images[0].header["EXP_TYPE"] = "NRS_MSASPEC"
    with pytest.raises(StepSkipped, match="NRS_MSASPEC"):
        outlier_detection(images)
