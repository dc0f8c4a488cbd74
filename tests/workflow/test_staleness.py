"""The staleness table: change this, and exactly these jobs run again."""

import json
import os

import numpy as np
import pytest
import yaml
from astropy.io import fits

from jwcal import models, products
from jwcal.asdffiles import encode

STAGE1, STAGE2 = {"detector1", "detector1ints"}, {"image2", "image2ints", "resample"}
AFTER_ALIGNMENT = {"skymatch", "outlier_detection", "crf", "mosaic", "source_catalog"}
REBUILT = {"resample", "mosaic", "source_catalog"}
STAGE3 = {"tweakreg_catalog", "tweakreg"} | AFTER_ALIGNMENT
# Which rules make products of an exposure, and of the association that it is in. F115W is a mosaic of one.
OF_EXPOSURE = {
    "F200W": {"detector1", "image2", "resample", "tweakreg_catalog", "crf"},
    "F115W": {"detector1", "image2", "resample"},
    "F480M": {"detector1ints", "image2", "image2ints"},
}
OF_ASSOCIATION = {
    "F200W": {"tweakreg", "skymatch", "outlier_detection", "mosaic", "source_catalog"},
    "F115W": {"mosaic", "source_catalog"},
    "F480M": set(),
}


def expect(bench, rules, parts=("F200W", "F115W", "F480M")):
    """The jobs of `rules` for the exposures of some filters and their associations, as far as they exist."""
    jobs = {(rule, name) for part in parts for name in bench.names(part) for rule in OF_EXPOSURE[part] & rules}
    return jobs | {
        (rule, name) for part in parts for name in bench.associations(part) for rule in OF_ASSOCIATION[part] & rules
    }


def expect_one(bench, rules, name):
    """The jobs of `rules` for one of the exposures in F200W, and all of its association that follow from them."""
    own = {(rule, name) for rule in OF_EXPOSURE["F200W"] & rules}
    return own | expect(bench, STAGE3 - {"tweakreg_catalog"}, {"F200W"})


def overlay(bench, **config):
    path = bench.work / "mine.yaml"
    path.write_text(yaml.safe_dump(config))
    return ["--configfile", str(path)]


def jobs(bench, *arguments):
    return {(rule, name) for rule, name in bench.stale(*arguments) if rule != "all"}


def test_nothing_changed(bench):
    assert bench.stale() == set()


def test_one_jump_setting(bench):
    changed = overlay(bench, steps={"jump": {"rejection_threshold": 4.5}})
    assert jobs(bench, *changed) == expect(bench, STAGE1 | STAGE2 | STAGE3)


def test_one_flat_field_setting(bench):
    changed = overlay(bench, overrides=[{"when": {"instrume": "NIRCAM"}, "flat_field": {"inverse": True}}])
    assert jobs(bench, *changed) == expect(bench, STAGE2 | STAGE3, {"F200W", "F115W"})


def test_resample_setting(bench):
    assert jobs(bench, *overlay(bench, steps={"resample": {"pixfrac": 0.8}})) == expect(bench, REBUILT)


def test_override_for_one_filter(bench):
    changed = overlay(bench, overrides=[{"when": {"filter": "F115W"}, "jump": {"rejection_threshold": 7.0}}])
    assert jobs(bench, *changed) == expect(bench, STAGE1 | STAGE2 | STAGE3, {"F115W"})


def test_setting_that_no_exposure_uses(bench):
    changed = overlay(bench, overrides=[{"when": {"instrume": "MIRI"}, "jump": {"rejection_threshold": 7.0}}])
    assert bench.stale(*changed) == set()


def test_setting_of_a_skipped_step(bench):
    assert bench.stale(*overlay(bench, steps={"persistence": {"skip": True, "persistence_time": 100}})) == set()


def flats(bench):
    return sorted((bench.cache / "references" / "jwst" / "nircam").glob("*flat*.fits"))


def test_reference_swapped_by_a_new_context(bench):
    bench.context = "jwst_0002.pmap"
    assert jobs(bench) == expect(bench, STAGE2 | STAGE3, {fits.getheader(flats(bench)[-1])["FILTER"]})


def test_own_reference_and_its_edit(bench):
    flat = flats(bench)[0]
    own = bench.work / "own_flat.fits"
    own.write_bytes(flat.read_bytes())
    changed = overlay(bench, references={"override": [{"when": {"filter": "F200W"}, "flat": str(own)}]})
    assert jobs(bench, *changed) == expect(bench, STAGE2 | STAGE3, {"F200W"})
    bench.run("all", *changed)
    assert bench.stale(*changed) == set()
    with fits.open(own, mode="update") as hdus:
        hdus["SCI"].data *= 1.01
    assert jobs(bench, *changed) == expect(bench, STAGE2 | STAGE3, {"F200W"})


def test_own_files_of_steps_and_their_edits(bench):
    """Flags, a mask, a flat and a grid that settings name are inputs of the steps that read them."""
    name = bench.names("F115W")[0]
    flags, mask, flat, grid = (bench.work / own for own in ("flags.fits", "mask.fits", "flat.fits", "grid.asdf"))
    fits.writeto(flags, np.zeros((64, 64), np.uint32))
    fits.writeto(mask, np.ones((64, 64), np.uint8))
    flat.write_bytes(flats(bench)[0].read_bytes())
    frame = products.read(bench.products / f"{name}_i2d.fits", models.Image).wcs["meta"]["wcs"]
    grid.write_bytes(encode({"wcs": frame}))
    own = {
        "dq_init": {"user_supplied_dq": str(flags)},
        "clean_flicker_noise": {"skip": False, "user_mask": str(mask)},
        "flat_field": {"user_supplied_flat": str(flat)},
        "resample": {"output_wcs": str(grid)},
    }
    changed = overlay(bench, overrides=[{"when": {"filter": "F115W"}} | own])
    bench.run("all", *changed)
    assert bench.stale(*changed) == set()
    grid.write_bytes(encode({"wcs": frame, "pixel_scale": 0.04}))
    assert jobs(bench, *changed) == expect(bench, REBUILT, {"F115W"})
    flat.write_bytes(flats(bench)[1].read_bytes() + bytes(2880))
    assert jobs(bench, *changed) == expect(bench, STAGE2 | STAGE3, {"F115W"})
    for path in (mask, flags):
        before = path.read_bytes()
        path.write_bytes(before + bytes(2880))
        assert jobs(bench, *changed) == expect(bench, STAGE1 | STAGE2 | STAGE3, {"F115W"})
        path.write_bytes(before)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_kernel_edited(bench):
    kernel = bench.repository / "jwcal" / "kernels" / "drizzle.py"
    kernel.write_text(kernel.read_text() + "\n\nEXTRA = 1\n")
    assert jobs(bench) == expect(bench, {"resample", "outlier_detection", "crf", "mosaic", "source_catalog"})


def test_docstring_and_comment_edited(bench):
    kernel = bench.repository / "jwcal" / "kernels" / "drizzle.py"
    edit(kernel, '"""', '"""Edited. ')
    kernel.write_text(kernel.read_text() + "\n# a comment\n")
    assert bench.stale() == set()


def test_raw_file_touched(bench):
    for path in (bench.work / "raw").rglob("*_uncal.fits"):
        os.utime(path)
    assert bench.stale() == set()


def test_raw_file_changed(bench):
    name = bench.names("F200W")[0]
    path = next((bench.work / "raw").rglob(f"{name}_uncal.fits"))
    with fits.open(path, mode="update") as hdus:
        hdus["SCI"].data[0, -1, 5, 5] += 3
    assert jobs(bench) == expect_one(bench, STAGE1 | STAGE2 | STAGE3, name)


def test_exposure_removed_and_added_again(bench):
    name = bench.names("F115W")[0]
    path = next((bench.work / "raw").rglob(f"{name}_uncal.fits"))
    path.rename(bench.work / "aside.fits")
    assert bench.stale() == set()
    (bench.work / "aside.fits").rename(path)
    assert bench.stale() == set()


@pytest.mark.parametrize("suffix", ["rate", "cal"])
def test_product_deleted(bench, suffix):
    name = bench.names("F200W")[0]
    (bench.products / f"{name}_{suffix}.fits").unlink()
    rules = {"rate": STAGE1 | STAGE2 | STAGE3, "cal": STAGE2 | STAGE3}[suffix]
    assert jobs(bench) == expect_one(bench, rules, name)


# ---- stage 3 ----


@pytest.mark.parametrize(
    ("step", "setting", "rules"),
    [
        ("tweakreg_catalog", {"snr_threshold": 8.0}, STAGE3),
        ("tweakreg", {"searchrad": 1.5}, STAGE3 - {"tweakreg_catalog"}),
        ("skymatch", {"skystat": "median"}, AFTER_ALIGNMENT),
        ("outlier_detection", {"snr": "6.0 5.0"}, AFTER_ALIGNMENT - {"skymatch"}),
        ("source_catalog", {"npixels": 20}, {"source_catalog"}),
    ],
)
def test_setting_of_stage_3(bench, step, setting, rules):
    parts = {"F200W", "F115W"} if step == "source_catalog" else {"F200W"}
    changed = jobs(bench, *overlay(bench, steps={step: setting}))
    follows = expect(bench, rules, parts)
    assert changed == follows


def test_exposure_added_to_an_association(bench):
    """Without its second exposure the association is a mosaic of one; with it, all of it is made anew."""
    mosaic, (first, second) = bench.associations("F200W")[0], bench.names("F200W")
    path = next((bench.work / "raw").rglob(f"{second}_uncal.fits"))
    path.rename(bench.work / "aside.fits")
    alone = {("association", bench.asn_file("F200W")), ("mosaic", mosaic), ("source_catalog", mosaic)}
    assert jobs(bench) == alone
    bench.run("all")
    (bench.work / "aside.fits").rename(path)
    assert jobs(bench) >= alone and not jobs(bench) & {(rule, first) for rule in STAGE1 | STAGE2}


def write_association(bench, members):
    """A hand-made association in the raw folder, that takes the place of the one of F200W."""
    product = {"name": bench.associations("F200W")[0], "members": members}
    content = {"asn_type": "image3", "asn_id": "o001", "products": [product]}
    (bench.work / "raw" / "own_asn.json").write_text(json.dumps(content))


def test_own_association_and_its_edit(bench):
    members = [{"expname": f"{name}_cal.fits", "exptype": "science"} for name in bench.names("F200W")]
    write_association(bench, members)
    assert jobs(bench) == expect(bench, {"crf", "mosaic", "source_catalog"}, {"F200W"})  # it is named in their headers
    write_association(bench, members[::-1])
    assert jobs(bench) == expect(bench, STAGE3 - {"tweakreg_catalog"}, {"F200W"})


def test_catalogue_of_stars_swapped(bench):
    stars = bench.work / "stars.ecsv"
    stars.write_text(STARS)
    changed = overlay(bench, steps={"tweakreg": {"abs_refcat": str(stars)}})
    assert jobs(bench, *changed) == expect(bench, STAGE3 - {"tweakreg_catalog"}, {"F200W"})
    bench.run("all", *changed)
    assert bench.stale(*changed) == set()
    stars.write_text(STARS.replace("80.49", "80.48"))
    assert jobs(bench, *changed) == expect(bench, STAGE3 - {"tweakreg_catalog"}, {"F200W"})


def test_own_catalogue_of_an_exposure_swapped(bench):
    """Catalogues that a list (catfile) names are inputs, as the list is."""
    names = bench.names("F200W")
    for name in names:
        (bench.work / f"{name}.ecsv").write_text(SOURCES)
    (bench.work / "list.txt").write_text("".join(f"{name}_cal.fits {name}.ecsv\n" for name in names))
    settings = {"use_custom_catalogs": True, "catfile": str(bench.work / "list.txt")}
    changed = overlay(bench, steps={"tweakreg": settings})
    bench.run("all", *changed)
    assert bench.stale(*changed) == set()
    (bench.work / f"{names[1]}.ecsv").write_text(SOURCES.replace("30.5", "30.6"))
    assert jobs(bench, *changed) == expect(bench, STAGE3 - {"tweakreg_catalog"}, {"F200W"})


def test_pool_added(bench):
    """A pool gives the target (which both filters share) another number: mosaics get another name, exposures stay."""
    lines = [f"{name}_uncal.fits|7|[('o001', 'observation')]" for name in bench.names("F200W")]
    pool = bench.work / "raw" / "jw00001_20260101t000000_pool.csv"
    pool.write_text("\n".join(["filename|targetid|asn_candidate", *lines, ""]))
    mosaics = {name for rule, name in jobs(bench) if rule == "mosaic"}
    assert mosaics == {bench.associations(part)[0].replace("t001", "t007") for part in ("F200W", "F115W")}
    assert {rule for rule, _ in jobs(bench)} == {"association"} | STAGE3 - {"tweakreg_catalog"}
    kinds = overlay(bench, associations={"kinds": ["candidate"]})
    assert not {rule for rule, _ in jobs(bench, *kinds)} & STAGE3


SOURCES = """# %ECSV 1.0
# ---
# datatype:
# - {name: x, unit: pix, datatype: float64}
# - {name: y, unit: pix, datatype: float64}
x y
10.5 20.5
30.5 40.5
"""
STARS = """# %ECSV 1.0
# ---
# datatype:
# - {name: RA, unit: deg, datatype: float64}
# - {name: DEC, unit: deg, datatype: float64}
RA DEC
80.49 -69.50
80.50 -69.51
"""


PERSISTENCE = {"persistence": {"skip": False, "persistence_time": 10_000_000, "carry_over": True}}


def test_persistence_is_carried_from_exposure_to_exposure(bench):
    """One detector took three exposures, one after the other; the last one leaves its windows to nobody."""
    carried = overlay(bench, steps=PERSISTENCE)
    first, second = bench.names("F200W")
    (third,) = bench.names("F115W")
    assert {name for rule, name in jobs(bench, *carried) if rule == "windows"} == {first, second}
    ramps = [f"products/{name}_rate.fits" for name in (first, second, third)]
    bench.run(*ramps, *carried)
    fits.setval(bench.work / "raw" / f"{first}_uncal.fits", "COMMENT", value="changed")
    again = jobs(bench, *carried)
    assert {name for rule, name in again if rule == "windows"} == {first, second}
    assert {name for rule, name in again if rule == "detector1"} == {first, second, third}
    alone = overlay(bench, steps={"persistence": PERSISTENCE["persistence"] | {"carry_over": False}})
    assert not {name for rule, name in jobs(bench, *alone) if rule == "windows"}
