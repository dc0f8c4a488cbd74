"""Whole runs: what is made, what is said, what happens to bad input."""

import shutil

import pytest
from astropy.io import fits

from jwcal.fitsfiles import Extension, write_fits


def made(bench):
    return {path.name for path in bench.products.glob("*.fits")}


def test_all_products_are_made(bench):
    f200w, f480m = bench.names("F200W")[0], bench.names("F480M")[0]
    assert {f"{f200w}_{s}.fits" for s in ("rate", "cal", "i2d")} <= made(bench)
    assert f"{f200w}_rateints.fits" not in made(bench)
    assert {f"{f480m}_{s}.fits" for s in ("rate", "rateints", "cal", "calints")} <= made(bench)
    assert f"{f480m}_i2d.fits" not in made(bench)  # interferometry is not rectified


def test_headers_tell_what_was_done(bench):
    name = bench.names("F200W")[0]
    header = fits.getheader(bench.products / f"{name}_cal.fits")
    assert header["S_JUMP"] == header["S_FLAT"] == header["S_PHOTOM"] == "COMPLETE"
    assert header["S_IPC"] == "SKIPPED" and header["R_IPC"] == "N/A"
    assert header["R_FLAT"].startswith("crds://jwst_nircam_flat_")
    assert header["CRDS_CTX"] == "jwst_0001.pmap" and header["CAL_VER"].startswith("jwcal")


@pytest.mark.parametrize("step", ["linearity", "ramp", "assign_wcs"])
def test_peek(bench, step):
    name = bench.names("F200W")[0]
    bench.run(f"products/{name}_{step}.fits")
    header = fits.getheader(bench.products / f"{name}_{step}.fits")
    done = {"linearity": "S_LINEAR", "ramp": "S_JUMP", "assign_wcs": "S_WCS"}[step]
    after = {"linearity": "S_DARK", "ramp": "S_RAMP", "assign_wcs": "S_FLAT"}[step]
    assert header[done] == "COMPLETE" and header.get(after) is None


def test_peek_of_an_unknown_step_is_said(bench):
    result = bench.run(f"products/{bench.names('F200W')[0]}_guider_cds.fits", check=False)
    assert result.returncode and "guider_cds is not a step of this exposure" in result.stdout + result.stderr


def test_slips_in_targets_are_said(bench):
    for target in ("sumary", f"products/{bench.names('F200W')[0]}_linearty.fits"):
        result = bench.run("-n", target, check=False)
        text = result.stdout + result.stderr
        line = next(line for line in text.splitlines() if line.startswith(f"{target}: "))
        assert result.returncode and "did you mean" in line and "No rule" not in text


def test_start_from_archive_products(bench):
    """A rate file in the raw folder is a start as good as a raw ramp; so is a cal file."""
    name = bench.names("F200W")[0]
    expected = fits.getdata(bench.products / f"{name}_i2d.fits")
    for suffix in ("rate", "cal"):
        product = bench.work / "aside.fits"
        shutil.move(bench.products / f"{name}_{suffix}.fits", product)
        shutil.rmtree(bench.work / "raw")
        shutil.rmtree(bench.products)
        (bench.work / "raw").mkdir()
        shutil.move(product, bench.work / "raw" / f"{name}_{suffix}.fits")
        bench.run("all")
        assert f"{name}_{suffix}.fits" not in made(bench)
        assert (fits.getdata(bench.products / f"{name}_i2d.fits") == expected)[expected == expected].all()


def test_summary(bench):
    name = bench.names("F200W")[0]
    (bench.products / f"{name}_i2d.fits").unlink()
    text = bench.run("summary", cores=1).stdout
    row = next(line for line in text.splitlines() if line.startswith(name))
    assert "missing" in row and "ok" in row
    assert "calwebb_ami3" in text and "not built yet" in text


def test_summary_names_what_nothing_makes_any_more(bench):
    """The products of an exposure that was removed, and the other's as cleaned beside it."""
    kept, removed = bench.names("F200W")
    next((bench.work / "raw").rglob(f"{removed}_uncal.fits")).unlink()
    left = {path.name for path in bench.products.glob(f"{removed}_*")} | {f"{kept}_o001_crf.fits"}
    text = bench.run("summary", cores=1).stdout
    assert {line.partition(": left over")[0] for line in text.splitlines() if ": left over" in line} == {
        f"products/{name}" for name in left
    }


def test_references(bench):
    text = bench.run("references", cores=1).stdout
    assert "present" in text and "0 missing" in text


def test_missing_reference_costs_only_its_exposure(bench, tmp_path):
    cache = shutil.copytree(bench.cache, tmp_path / "crds")
    name = bench.names("F480M")[0]
    gain = fits.getheader(bench.products / f"{name}_rate.fits")["R_GAIN"].removeprefix("crds://")
    next((cache / "references").rglob(gain)).unlink()
    bench.cache = cache
    shutil.rmtree(bench.products)
    text = bench.run("all").stderr
    line = next(line for line in text.splitlines() if gain in line)
    assert name in line and "gain" in line and "snakemake references" in line
    assert f"{name}_rate.fits" not in made(bench) and f"{bench.names('F200W')[0]}_i2d.fits" in made(bench)
    result = bench.run("references", cores=1, check=False)
    assert result.returncode and gain in result.stdout and "MISSING" in result.stdout


def test_missing_reference_of_the_users_own(bench):
    """It is not the cache's fault, and no server has it."""
    name = bench.names("F115W")[0]
    own = bench.work / "mine.yaml"
    own.write_text("references: {override: [{when: {filter: F115W}, flat: /nowhere/flat.fits}]}")
    text = bench.run("-n", "all", "--configfile", str(own)).stderr
    (line,) = [line for line in text.splitlines() if "/nowhere/flat.fits" in line]
    assert name in line and "references.override does not exist" in line and "correct the path" in line
    assert "CRDS" not in line


def break_truncated(path):
    path.write_bytes(path.read_bytes()[:20000])


def break_dimensions(path):
    header = fits.getheader(path)
    write_fits(path, [Extension("PRIMARY", header=header), Extension("SCI", fits.getdata(path)[0, 0])])


def break_exp_type(path):
    fits.setval(path, "EXP_TYPE", value="NRC_DREAM")


def break_keyword(path):
    fits.delval(path, "TGROUP")


def break_pointing(path):
    fits.delval(path, "ROLL_REF", extname="SCI")


FAULTS = {
    "truncated": (break_truncated, "uncal.fits"),
    "dimensions": (break_dimensions, "uncal.fits"),
    "exp_type": (break_exp_type, "unknown EXP_TYPE 'NRC_DREAM'"),
    "keyword": (break_keyword, "TGROUP"),
    "pointing": (break_pointing, "ROLL_REF"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_exposure_is_one_clear_line(bench, fault):
    damage, said = FAULTS[fault]
    name, other = bench.names("F200W")[0], bench.names("F115W")[0]
    damage(next((bench.work / "raw").rglob(f"{name}_uncal.fits")))
    shutil.rmtree(bench.products)
    result = bench.run("all", check=False)
    lines = [line for line in result.stderr.splitlines() if line.startswith("jwcal") and said in line]
    assert lines, result.stderr
    assert name in lines[0]
    assert "Traceback" not in result.stderr
    assert f"{other}_i2d.fits" in made(bench)
    assert not [path for path in bench.products.iterdir() if ".tmp-" in path.name]


@pytest.mark.parametrize(
    "config, said",
    [
        ("steps={jump: {rejection_treshold: 4}}", "rejection_threshold"),
        ("steps={jumpp: {skip: true}}", "jump"),
        ("steps={jump: {rejection_threshold: -1}}", "rejection_threshold"),
        ("nonsense=1", "nonsense"),
    ],
)
def test_bad_setting_is_one_clear_line(bench, config, said):
    result = bench.run("-n", "all", "--config", config, check=False)
    assert result.returncode
    text = result.stdout + result.stderr
    line = next(line for line in text.splitlines() if said in line)
    assert "Traceback" not in text and len(line) < 400


def test_single_group(bench):
    """NGROUPS = 1: jump is skipped, the slope is the one sample."""
    name = bench.names("F200W")[0]
    path = next((bench.work / "raw").rglob(f"{name}_uncal.fits"))
    with fits.open(path) as hdus:
        primary, sci = hdus[0].header, hdus["SCI"]
        primary["NGROUPS"] = 1
        write_fits(path, [Extension("PRIMARY", header=primary), Extension("SCI", sci.data[:, :1].copy(), sci.header)])
    bench.run("all")
    header = fits.getheader(bench.products / f"{name}_rate.fits")
    assert header["S_JUMP"] == "SKIPPED" and header["S_RAMP"] == "COMPLETE"


def test_background_association(bench):
    """A hand-made association in the raw folder: the other exposure is subtracted."""
    import json

    science, sky = bench.names("F200W")[0], bench.names("F115W")[0]
    members = [
        {"expname": f"{science}_rate.fits", "exptype": "science"},
        {"expname": f"{sky}_rate.fits", "exptype": "background"},
    ]
    association = {"asn_type": "image2", "products": [{"name": science, "members": members}]}
    (bench.work / "raw" / "sky_asn.json").write_text(json.dumps(association))
    assert ("image2", science) in bench.stale() and ("detector1", science) not in bench.stale()
    (bench.work / "mine.yaml").write_text(
        "{pipelines: {save_bsub: true}, steps: {background: {save_combined_background: true}}}"
    )
    bench.run("all", "--configfile", str(bench.work / "mine.yaml"))
    assert fits.getheader(bench.products / f"{science}_cal.fits")["S_BKDSUB"] == "COMPLETE"
    assert f"{science}_bsub.fits" in made(bench)
    assert f"{science}_combinedbackground.fits" in made(bench)
