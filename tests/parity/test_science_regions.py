"""Where NIRSpec's slits and slices throw their light, against the official coordinates and masks."""

import numpy as np
import pytest
from comparison import Figure
from nirspec_spectra import make_rates, real_folder, setup, write_optics

from jwcal import products
from jwcal.fitsfiles import Extension, write_fits
from jwcal.flicker import scene
from jwcal.simulate import nirspec_shutters, plan_exposure
from jwcal.wcs.nirspec.footprints import bounding_box, falls_on_detector
from jwcal.wcs.nirspec.optics import Spectrograph
from jwcal.wcs.nirspec.shutters import read_slitlets
from jwcal.wcs.nirspec.slits import LightPath, list_fixed_slits, list_slices, shutter_entrance, slice_entrance

# Pixels, pixels, heights of the slit, relative. The observatory's polynomials behind the slicer cancel to 1e-4 of their
# terms, so that the order of summation shows.
EDGES, BOXES, ALONG, COLOUR = 1e-5, 1e-4, 1e-6, 1e-7
CASES = {
    "IFU": setup("NRS_IFU"),
    "IFU H 2": setup("NRS_IFU", "F290LP", "G395H", "NRS2"),
    "slits": setup("NRS_FIXEDSLIT", grating="G235H", subarray="ALLSLITS"),
    "slits 2": setup("NRS_FIXEDSLIT", grating="G235H", detector="NRS2"),
    "prism slits": setup("NRS_FIXEDSLIT", "CLEAR", "PRISM"),
    "series": setup("NRS_BRIGHTOBJ", "CLEAR", "PRISM", subarray="SUB512"),
    "series H": setup("NRS_BRIGHTOBJ", "F290LP", "G395H", subarray="SUB2048"),
    "MOS": setup("NRS_MSASPEC", "CLEAR", "PRISM", position=2, positions=3),
    "MOS and slit": setup("NRS_MSASPEC", "F170LP", "G235M", observation=2),
    "MOS 2": setup("NRS_MSASPEC", "F290LP", "G395M", "NRS2"),
}
REAL = {
    "IFU": setup("NRS_IFU"),
    "IFU prism": setup("NRS_IFU", "CLEAR", "PRISM"),
    "slits H": setup("NRS_FIXEDSLIT", "F290LP", "G395H", "NRS2"),
    "series": setup("NRS_BRIGHTOBJ", "CLEAR", "PRISM", subarray="SUB512"),
    "MOS": setup("NRS_MSASPEC", "F100LP", "G140M"),
}


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    """The official process with a cache that has no files of its own: each case brings its references."""
    from oracle import Oracle, find_python

    from jwcal.simulate import write_reference_cache

    if not find_python():
        pytest.fail("the official package is not installed: run tests/parity/install.sh", pytrace=False)
    folder = tmp_path_factory.mktemp("regions")
    write_reference_cache(folder / "crds", [CASES["IFU"]], types=("CAMERA",))
    made = Oracle(folder / "crds", "jwst_0001.pmap", folder / "official.log")
    yield made
    made.close()


def list_paths(image, files):
    """Ways of light of all slits or slices that fall on the detector, by number."""
    spectrograph, exp_type = Spectrograph(image, files), image.keyword("EXP_TYPE")
    if exp_type == "NRS_IFU":
        slits = list_slices()
        paths = [LightPath(spectrograph, s, slice_entrance(s, files["ifuslicer"], files["ifupost"])) for s in slits]
    else:
        table = files.get("msametafile")
        slits = list_fixed_slits(image) if table is None else read_slitlets(table.path, 1, image.keyword("PATT_NUM"))
        paths = [LightPath(spectrograph, slit, shutter_entrance(slit, files["msa"])) for slit in slits]
    return {path.slit.slit_id: path for path in paths if falls_on_detector(path)}


def compare(name, asked, files, oracle, folder, figures, flag_open):
    """Masks, and the slits one by one."""
    image, source = make_rates(asked), folder / "x_rate.fits"
    products.write(source, image)
    overrides = {f"override_{reftype}": str(file.path) for reftype, file in files.items() if reftype != "msametafile"}
    settings = {"overrides": overrides} | ({"flag_open": True} if flag_open else {})
    official = oracle.run("science_regions", source, folder, {"": settings}).state("regions")
    dark = scene.find_regions(image, optics=files, failed_open=flag_open)
    paths = list_paths(image, files)
    assert set(paths) == set(official["ids"].tolist())
    ours = [paths[number] for number in official["ids"].tolist()]
    pixels = np.array([path.to_detector(*official["places"]) for path in ours])
    back = np.array([path.from_detector(*place) for path, place in zip(ours, official["pixels"])])
    boxes = np.array([np.ravel(bounding_box(path)) for path in ours])
    np.testing.assert_array_equal(np.isnan(back), np.isnan(official["back"]))
    share = (dark == official["mask"]).mean()
    wavelength = np.nanmax(np.abs(back[:, 2] / official["back"][:, 2] - 1))
    measured = (
        Figure(name, "science regions", "mask", share, 0.9999, "share", "equal pixels"),
        Figure(name, "science regions", "edges", np.abs(pixels - official["pixels"]).max(), EDGES, "values", "pixels"),
        Figure(name, "science regions", "boxes", np.abs(boxes - official["boxes"]).max(), BOXES, "values", "pixels"),
        Figure(
            name, "science regions", "height", np.nanmax(np.abs(back - official["back"])[:, 1]), ALONG, "values", ""
        ),
        Figure(name, "science regions", "wavelength", wavelength, COLOUR, "values", "relative"),
    )
    figures.extend(measured)
    assert all(figure.passed for figure in measured), list(map(str, measured))
    assert 0 < dark.mean() < 1


@pytest.mark.parametrize("name", CASES)
def test_simulated_optics(name, oracle, figures, scratch):
    asked = CASES[name]
    files = write_optics(scratch, asked)
    if name == "MOS and slit":
        open_fixed_slit(files["msametafile"].path, asked)
    flag_open = name == "slits 2"  # as picture_frame does
    compare(f"NIRSpec {name}", asked, files, oracle, scratch, figures, flag_open)


def open_fixed_slit(path, asked):
    """Write a table of open shutters in which two fixed slits are open, one of them with a source."""
    content = nirspec_shutters.make_table(plan_exposure(asked))
    slits = content[1].data[:2].copy()
    for name, values in {"shutter_quadrant": 0, "shutter_row": 0, "shutter_column": 0, "dither_point_index": 1,
                         "slitlet_id": -1, "fixed_slit": ["S200A1", "S400A1"], "primary_source": ["Y", "N"],
                         "source_id": [11, 0], "background": ["N", "Y"]}.items():  # fmt: skip
        slits[name] = values
    content[1] = Extension("SHUTTER_INFO", np.concatenate([content[1].data, slits]))
    write_fits(path, content)


@pytest.mark.parametrize("name", REAL)
def test_the_observatorys_optics(name, oracle, figures, scratch):
    folder = real_folder()
    if folder is None:
        pytest.skip("needs JWCAL_REAL_DATA")
    asked = REAL[name]
    compare(f"real {name}", asked, write_optics(scratch, asked, folder), oracle, scratch, figures, False)
