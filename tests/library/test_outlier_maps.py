"""Outlier maps: packed and unpacked, written and read, applied to an exposure."""

import numpy as np
import pytest
from naive_drizzle import make_image

from jwcal import dq
from jwcal.errors import JwcalError
from jwcal.memory.scratch import Scratch
from jwcal.outliers.maps import OutlierMap, apply_outliers, read_outliers, write_outliers

RNG = np.random.default_rng(8)


def make_mask(shape, share=0.1):
    return RNG.random(shape) < share


@pytest.mark.parametrize("shape", [(5, 8), (7, 13), (3, 1), (1, 17)])
def test_packing(shape):
    mask = make_mask(shape, 0.5)
    packed = OutlierMap.pack(mask)
    np.testing.assert_array_equal(packed.mask, mask)
    assert packed.count == mask.sum() and packed.packed.shape == (shape[0], -(-shape[1] // 8))


def test_writing_and_reading(tmp_path):
    masks = {f"jw01234_0000{k}_nrca1": make_mask((20, 18 + k)) for k in range(3)}
    path = tmp_path / "a_outliers.fits"
    write_outliers(path, {name: OutlierMap.pack(mask) for name, mask in masks.items()})
    found = read_outliers(path)
    assert list(found) == list(masks)
    for name, mask in masks.items():
        np.testing.assert_array_equal(found[name].mask, mask)
        np.testing.assert_array_equal(read_outliers(path, name).mask, mask)
    with pytest.raises(JwcalError, match="jw9_nrca1 is not in it"):
        read_outliers(path, "jw9_nrca1")
    assert path.stat().st_size < 21000
    before = path.read_bytes()
    write_outliers(path, found)
    assert path.read_bytes() == before


def make_cal():
    return make_image([np.ones((6, 5)), *np.full((3, 6, 5), 0.1)])


def test_what_is_flagged_becomes_nan_everywhere():
    image, mask = make_cal(), np.zeros((6, 5), bool)
    mask[1, 2] = mask[3, 3] = True
    image.dq[3, 3], image.dq[4, 4], image.dq[5, 0] = dq.JUMP_DET, dq.DO_NOT_USE, dq.SATURATED
    image.var_flat[0, 0] = np.nan
    assert apply_outliers(image, OutlierMap.pack(mask)) is image
    assert image.dq[1, 2] == dq.DO_NOT_USE | dq.OUTLIER
    assert image.dq[3, 3] == dq.DO_NOT_USE | dq.OUTLIER | dq.JUMP_DET
    assert image.dq[0, 0] == dq.DO_NOT_USE and image.dq[5, 0] == dq.SATURATED
    bad = np.zeros((6, 5), bool)
    bad[[1, 3, 4, 0], [2, 3, 4, 0]] = True
    for name in ("data", "err", "var_poisson", "var_rnoise", "var_flat"):
        np.testing.assert_array_equal(np.isnan(getattr(image, name)), bad)
    np.testing.assert_array_equal(image.dq & dq.DO_NOT_USE != 0, bad)


def test_nothing_to_apply():
    image = make_cal()
    apply_outliers(image, None)
    assert not image.dq.any() and np.isfinite(image.data).all()
    with pytest.raises(JwcalError, match="pixels"):
        apply_outliers(image, OutlierMap.pack(np.zeros((5, 5), bool)))


def test_scratch_gives_back_what_it_was_given():
    first, second = RNG.normal(size=(2, 9, 11)).astype(np.float32)
    with Scratch() as scratch:
        a, b = scratch.keep(first, (100, 7)), scratch.keep(second[:, ::2])
        np.testing.assert_array_equal(scratch.read(a, (100, 109)), first)
        np.testing.assert_array_equal(scratch.read(a, (103, 105), (9, 12)), first[3:5, 2:5])
        np.testing.assert_array_equal(scratch.read(b, (2, 9)), second[2:, ::2])
        scratch.write(a, second[:3], 104)
        np.testing.assert_array_equal(scratch.read(a, (103, 108)), np.vstack([first[3:4], second[:3], first[7:8]]))
