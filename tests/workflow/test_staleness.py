"""The staleness table: change this, and exactly these jobs run again."""

import os

import pytest
import yaml
from astropy.io import fits

STAGE1, STAGE2 = {"detector1", "detector1ints"}, {"image2", "image2ints", "resample"}


def expect(bench, rules, names=None):
    """The jobs of `rules` for the exposures `names` (default: all), as far as they exist."""
    everything = {
        ("detector1", "F200W"), ("image2", "F200W"), ("resample", "F200W"),
        ("detector1", "F115W"), ("image2", "F115W"), ("resample", "F115W"),
        ("detector1ints", "F480M"), ("image2", "F480M"), ("image2ints", "F480M"),
    }  # fmt: skip
    wanted = {(rule, part) for rule, part in everything if rule in rules and (names is None or part in names)}
    return {(rule, bench.names(part)[0]) for rule, part in wanted}


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
    assert jobs(bench, *changed) == expect(bench, STAGE1 | STAGE2)


def test_one_flat_field_setting(bench):
    changed = overlay(bench, overrides=[{"when": {"instrume": "NIRCAM"}, "flat_field": {"inverse": True}}])
    assert jobs(bench, *changed) == expect(bench, STAGE2, {"F200W", "F115W"})


def test_resample_setting(bench):
    assert jobs(bench, *overlay(bench, steps={"resample": {"pixfrac": 0.8}})) == expect(bench, {"resample"})


def test_override_for_one_filter(bench):
    changed = overlay(bench, overrides=[{"when": {"filter": "F115W"}, "jump": {"rejection_threshold": 7.0}}])
    assert jobs(bench, *changed) == expect(bench, STAGE1 | STAGE2, {"F115W"})


def test_setting_that_no_exposure_uses(bench):
    changed = overlay(bench, overrides=[{"when": {"instrume": "MIRI"}, "jump": {"rejection_threshold": 7.0}}])
    assert bench.stale(*changed) == set()


def test_setting_of_a_skipped_step(bench):
    assert bench.stale(*overlay(bench, steps={"persistence": {"skip": True, "persistence_time": 100}})) == set()


def flats(bench):
    return sorted((bench.cache / "references" / "jwst" / "nircam").glob("*flat*.fits"))


def test_reference_swapped_by_a_new_context(bench):
    bench.context = "jwst_0002.pmap"
    assert jobs(bench) == expect(bench, STAGE2, {fits.getheader(flats(bench)[-1])["FILTER"]})


def test_own_reference_and_its_edit(bench):
    flat = flats(bench)[0]
    own = bench.work / "own_flat.fits"
    own.write_bytes(flat.read_bytes())
    changed = overlay(bench, references={"override": [{"when": {"filter": "F200W"}, "flat": str(own)}]})
    assert jobs(bench, *changed) == expect(bench, STAGE2, {"F200W"})
    bench.run("all", *changed)
    assert bench.stale(*changed) == set()
    with fits.open(own, mode="update") as hdus:
        hdus["SCI"].data *= 1.01
    assert jobs(bench, *changed) == expect(bench, STAGE2, {"F200W"})


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_kernel_edited(bench):
    kernel = bench.repository / "jwcal" / "kernels" / "drizzle.py"
    kernel.write_text(kernel.read_text() + "\n\nEXTRA = 1\n")
    assert jobs(bench) == expect(bench, {"resample"})


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
    assert jobs(bench) == expect(bench, STAGE1 | STAGE2, {"F200W"})


def test_exposure_removed_and_added_again(bench):
    name = bench.names("F200W")[0]
    path = next((bench.work / "raw").rglob(f"{name}_uncal.fits"))
    path.rename(bench.work / "aside.fits")
    assert bench.stale() == set()
    (bench.work / "aside.fits").rename(path)
    assert bench.stale() == set()


@pytest.mark.parametrize("suffix", ["rate", "cal"])
def test_product_deleted(bench, suffix):
    name = bench.names("F200W")[0]
    (bench.products / f"{name}_{suffix}.fits").unlink()
    rules = {"rate": STAGE1 | STAGE2, "cal": STAGE2}[suffix]
    assert jobs(bench) == expect(bench, rules, {"F200W"})
