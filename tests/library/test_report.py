"""The report: what each section gathers, and the page: complete, alone, and within its budget."""

import base64
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.io import fits
from naive_sources import make_mosaic
from test_report_looks import make_image

from jwcal import products
from jwcal.errors import JwcalError
from jwcal.fitsfiles import Extension, write_fits
from jwcal.report import Run, find_run, looks, write_report
from jwcal.report.evidence import choose, collect
from jwcal.report.render import BUDGET, render
from jwcal.report.sections import SECTIONS, alignment, catalogues, costs, errors, problems, settings, sky
from jwcal.steps.source_catalog import source_catalog

VOID = set("area base br col embed hr img input link meta source track wbr".split())
NAMES = [f"jw01234001001_02101_0000{k}_nrcb1" for k in (1, 2)]
ASSOCIATION = "jw01234-o001_t001_nircam_clear-f200w"
STARS = [(60.0, 50.0, 300, 1.3, 1.3, 0), (110.0, 90.0, 280, 1.3, 1.3, 0), (40.0, 120.0, 260, 1.3, 1.3, 0)]


class Page(HTMLParser):
    """What a page asks for from elsewhere, and whether its elements are closed in turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.ids, self.links, self.text = [], [], set(), [], []
        self.feed(text)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.addresses += [attrs[name] for name in ("src", "srcset", "data", "poster") if name in attrs]
        if tag == "link":
            self.addresses.append(attrs["href"])
        elif "href" in attrs:
            self.links.append(attrs["href"])
        self.ids.add(attrs.get("id"))
        if tag not in VOID and not (tag in ("path", "rect", "circle") and self.get_starttag_text().endswith("/>")):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        attrs = dict(attrs)
        self.addresses += [attrs[name] for name in ("src", "href") if name in attrs]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.text.append(data)


def make_solution():
    residuals = [[10.0 * k, 5.0 * k, 0.001 * k, -0.002] for k in range(1, 9)]
    fit = {"status": "SUCCESS", "matches": 9, "used": 8, "rms": 0.004, "mae": 0.003, "residuals": residuals}
    members = {
        NAMES[0]: {
            "status": "COMPLETE",
            "moved": 0.0,
            "sources": 50,
            "relative": {"status": "REFERENCE"},
            "reasons": [],
        },
        NAMES[1]: {"status": "COMPLETE", "moved": 0.0123, "sources": 47, "relative": fit, "reasons": ["look & see"]},
    }
    return {"format": "jwcal alignment", "status": "COMPLETE", "reasons": [], "reference": NAMES[0], "members": members}


def write_truth(path, mosaic):
    """The stars, and one that is not on the mosaic, all of nearly the same light."""
    from jwcal.wcs import from_tree

    rows = np.zeros(4, [("id", "i4"), ("ra", "f8"), ("dec", "f8"), ("flux", "f8")])
    x, y = np.array([*(star[:2] for star in STARS), (150.0, 20.0)]).T
    rows["id"], (rows["ra"], rows["dec"]) = np.arange(4), from_tree(mosaic.wcs).forward(x, y)
    rows["flux"] = 1e6 * mosaic.keyword("PIXAR_SR") * np.array([*(star[2] for star in STARS), 270.0])
    rate = np.full((60, 80), 2.0, np.float32)
    write_fits(path, [Extension("PRIMARY"), Extension("RATE", rate), Extension("STARS", rows)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder of two exposures, an association and its products."""
    folder = tmp_path_factory.mktemp("run")
    made, image = (
        folder / "products",
        make_image(EXP_TYPE="NRC_IMAGE", **{"DATE-OBS": "2024-05-06", "TARGNAME": "M <1>"}),
    )
    for name in NAMES:
        for suffix in ("rate", "cal"):
            products.write(made / f"{name}_{suffix}.fits", image)
    mosaic = make_mosaic(sources=STARS)
    mosaic.context = (mosaic.weight > 0).astype(np.int32)[None]
    mosaic.sci_header["PIXAR_A2"] = 0.031**2
    products.write(made / f"{ASSOCIATION}_i2d.fits", mosaic)
    products.write_catalog(made / f"{ASSOCIATION}_cat.ecsv", source_catalog(mosaic))
    members = [{"expname": f"{name}_cal.fits", "exptype": "science"} for name in NAMES]
    content = {"asn_type": "image3", "asn_id": "o001", "products": [{"name": ASSOCIATION, "members": members}]}
    (made / "jw01234-o001_image3_00001_asn.json").write_text(json.dumps(content))
    (made / f"{ASSOCIATION}_tweakreg.json").write_text(json.dumps(make_solution()))
    levels = {name: {"level": 0.1 * k, "subtracted": False, "method": "match"} for k, name in enumerate(NAMES, 1)}
    (made / f"{ASSOCIATION}_skymatch.json").write_text(json.dumps(levels))
    flagged = np.zeros((60, 10), np.uint8)
    flagged[3] = 255
    cards = fits.Header([("MEMBER", NAMES[0]), ("MEMBERNX", 80), ("NOUTLIER", 80)])
    write_fits(made / f"{ASSOCIATION}_outliers.fits", [Extension("PRIMARY"), Extension("OUTLIERS", flagged, cards)])
    write_truth(folder / "truth" / f"{NAMES[0]}_truth.fits", mosaic)
    for rule, seconds in (("detector1", 5.0), ("image2", 2.5)):
        for name in NAMES:
            _write(folder / "benchmarks" / rule / f"{name}.tsv", f"s\tmax_rss\tcpu_time\n{seconds}\t400\t4.5\n")
    lines = "2024 INFO jump: COMPLETE in 1.50 s\n2024 WARNING half <b>bad</b>\n2024 ERROR all bad\n"
    _write(folder / "logs" / "detector1" / f"{NAMES[0]}.log", lines)
    return folder


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture(scope="module")
def run(folder):
    own, default = ({"steps": {"jump": {"rejection_threshold": value, "skip": False}}} for value in (5.0, 4.0))
    notes = {NAMES[0]: ["calwebb_image3: <not> built yet"]}
    about = {"title": "M 1 & friends", "settings": own, "defaults": default, "notes": notes}
    return find_run(folder, snakemake_report="snakemake.html", **about)


@pytest.fixture(scope="module")
def evidence(run):
    return collect(run)


# ---- the sections ----


def test_files_are_where_they_belong(run):
    assert {name: sorted(files) for name, files in run.exposures.items()} == {name: ["cal", "rate"] for name in NAMES}
    assert sorted(run.mosaics[ASSOCIATION]) == ["cat", "i2d", "outliers", "skymatch", "tweakreg"]
    assert list(run.truths) == NAMES[:1] and len(run.associations) == 1
    assert run.benchmarks.name == "benchmarks" and run.logs.name == "logs"


def test_crf_files_belong_to_their_exposure(tmp_path):
    for name in (f"{NAMES[0]}_o001_crf.fits", f"{NAMES[0]}_cal.fits", "notes.txt"):
        _write(tmp_path / "products" / name, "")
    assert sorted(find_run(tmp_path).exposures[NAMES[0]]) == ["cal", "crf"]


def test_exposures_are_looked_at_with_truth_and_outliers(evidence):
    assert evidence.shown == NAMES and evidence.shown_mosaics == [ASSOCIATION]
    first, second = (evidence.exposures[name] for name in NAMES)
    assert first["pulls"]["kind"] == "truth" and second["pulls"]["kind"] == "neighbours"
    assert first["flags"]["shares"]["OUTLIER"] == pytest.approx(80 / 4800, rel=1e-3)
    assert second["flags"]["shares"]["OUTLIER"] == 0


def test_alignment(evidence):
    facts = alignment.gather(evidence)
    first, second = facts["rows"]
    assert first[:5] == [NAMES[0], ASSOCIATION, "reference", "", "0.00"]
    assert second == [NAMES[1], ASSOCIATION, "complete", "relative", "12.30", "47", "8", "4.00", "look & see"]
    assert [fit["member"] for fit in facts["fits"]] == NAMES[1:]


def test_sky_levels(evidence):
    (chart,) = sky.gather(evidence)["charts"]
    assert chart["about"].startswith("2 exposures, 0.1 to 0.2; method match; noted")
    evidence = collect(Run())
    evidence.skies = {"a": {f"x{k}": {"level": k / 100, "subtracted": True} for k in range(90)}, "b": {"y": {}}}
    (chart,) = sky.gather(evidence)["charts"]
    assert "exposures" in chart["svg"] and chart["about"].endswith("; subtracted")


def test_errors(evidence):
    facts = errors.gather(evidence)
    assert [chart["exposures"] for chart in facts["charts"]] == [1, 1]
    for chart in facts["charts"]:
        assert float(chart["width"]) == pytest.approx(1.0, abs=0.05)
    assert len(facts["rows"]) == 2


def test_catalogues(evidence):
    (facts,) = catalogues.gather(evidence)["catalogues"]
    assert facts["about"] == "3 sources, 0 of them extended; truth at hand"
    assert [chart["title"] for chart in facts["charts"]] == [
        "Error against magnitude", "Completeness", "Stars: measured minus true",
    ]  # fmt: skip


def test_completeness_is_the_share_that_is_found():
    magnitude, matched = np.array([20.1, 20.2, 20.3, 20.4, 21.6]), np.array([True, True, False, True, True])
    assert catalogues._count_found(magnitude, matched) == [(20.25, 75.0)]
    nearest, found = catalogues._match(np.array([10.0, 359.9999]), np.zeros(2), np.full(2, 0.5), np.array([0.0, 10.0]),
                                       np.array([0.0, 0.0001]))  # fmt: skip
    assert nearest.tolist() == [1, 0] and found.tolist() == [True, True]


def test_costs(evidence):
    facts = costs.gather(evidence)
    assert facts["rows"][0] == ["detector1", "2", "10.0", "5.00", "5.00", "400", "9.0"]
    assert [chart["title"] for chart in facts["charts"]][-1] == "Time by step"
    assert costs.read_steps(evidence.run.logs) == [("jump", 1.5)]
    assert [costs.format_time(s) for s in (3, 300, 9000)] == ["3.0 s", "5.0 min", "2.5 h"]


def test_problems(evidence):
    facts = problems.gather(evidence)
    assert facts["counts"] == {"error": 1, "warning": 1, "remark": 1}
    assert facts["rows"][0] == ["error", f"detector1/{NAMES[0]}", "all bad"]


def test_settings(evidence):
    facts = settings.gather(evidence)
    assert facts["changed"] == [["steps.jump.rejection_threshold", "5.0", "4.0"]]
    assert facts["references"] == [["gain", "jwst_nircam_gain_0001.fits", "2"]]


def test_pictures_are_shared_out_among_bands():
    kinds = [("F200W", 3), ("F444W", 1), ("F115W", 2)]
    known = {f"{band}{k}": {"header": {"FILTER": band}} for band, number in kinds for k in range(number)}
    assert choose(known, 4) == ["F115W0", "F200W0", "F444W0", "F115W1"]
    assert len(choose(known, 99)) == 6


# ---- the page ----


def test_the_page_is_complete_and_asks_for_nothing(run, tmp_path):
    size = write_report(tmp_path / "report.html", run)
    text = (tmp_path / "report.html").read_text()
    assert size == len(text.encode()) and [path.name for path in tmp_path.iterdir()] == ["report.html"]
    page = Page(text)
    assert {section.__name__.rpartition(".")[2] for section in SECTIONS} <= page.ids
    assert page.addresses and all(address.startswith("data:") for address in page.addresses)
    assert "snakemake.html" in page.links
    assert all(link.startswith("#") or link == "snakemake.html" for link in page.links)
    assert "url(" not in text and "@import" not in text and "fetch(" not in text
    shown = "".join(page.text)
    assert "M 1 & friends" in shown and "half <b>bad</b>" in shown and "<not> built yet" in shown and "M <1>" in shown


def test_the_same_run_gives_the_same_page(run):
    assert render(collect(run)) == render(collect(run))


def test_looks_that_were_kept_are_shown(run, folder, tmp_path):
    for name in NAMES:
        looks.write_look(tmp_path / f"{name}.json", looks.look_at_exposure(run.exposures[name]))
    looks.write_look(tmp_path / f"{ASSOCIATION}.json", looks.look_at_mosaic(run.mosaics[ASSOCIATION]["i2d"]))
    kept = find_run(folder, looks=tmp_path, products="none")
    kept.mosaics = {ASSOCIATION: {"i2d": "gone"}}
    evidence = collect(kept)
    assert not evidence.problems and evidence.shown == NAMES
    assert evidence.mosaics[ASSOCIATION]["image"]["src"].startswith("data:")
    Page(render(evidence))


def test_nothing_at_all():
    Page(render(collect(Run(title="empty"))))


def test_unreadable_files_cost_only_their_part(folder, tmp_path):
    for name, text in {
        f"{NAMES[0]}_cal.fits": "not FITS", "jw01234-o001_image3_00001_asn.json": "{",
        f"{ASSOCIATION}_cat.ecsv": "a b\n1 x\n", f"{ASSOCIATION}_tweakreg.json": "[]",
        f"{ASSOCIATION}_skymatch.json": "nonsense", f"{ASSOCIATION}_i2d.fits": "",
        f"{ASSOCIATION}_outliers.fits": "x",
    }.items():  # fmt: skip
        _write(tmp_path / "products" / name, text)
    evidence = collect(find_run(tmp_path))
    page = Page(render(evidence))
    assert "_cat.ecsv" in "".join(page.text) and "_i2d.fits" in "".join(page.text)
    assert len(set(evidence.problems)) >= 5 and not any("\n" in line for line in evidence.problems)


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    """A thousand exposures that were looked at, in forty associations."""
    folder, rng = tmp_path_factory.mktemp("thousand"), np.random.default_rng(4)
    noise = [base64.b64encode(rng.bytes(20_000)).decode() for _ in range(4)]
    names = [f"jw01234{k // 100:03d}001_02101_{k % 100:05d}_nrcb{k % 4 + 1}" for k in range(1000)]
    for k, name in enumerate(names):
        source = f"data:image/webp;base64,{noise[k % 4]}"
        picture = {"src": source, "width": 288, "height": 288}
        header = {"INSTRUME": "NIRCAM", "DETECTOR": f"NRCB{k % 4 + 1}", "FILTER": ("F200W", "F115W")[k % 2],
                  "EXP_TYPE": "NRC_IMAGE", "references": {"GAIN": "jwst_nircam_gain_0001.fits"}}  # fmt: skip
        pulls = {"kind": "neighbours", "mean": 0.0, "width": 1.0, "number": 100, "counts": [1] * looks.BINS}
        look = {"kind": "exposure", "suffix": "cal", "header": header, "sky": 0.1, "noise": 0.01, "pulls": pulls,
                "image": picture | {"low": 0.1, "high": 9.0, "unit": "MJy/sr"},
                "flags": picture | {"shares": {"JUMP_DET": 0.01, "SATURATED": 0.001, "DO_NOT_USE": 0.02}}}  # fmt: skip
        looks.write_look(folder / "reports" / "looks" / f"{name}.json", look)
    solution = make_solution()
    for k in range(40):
        product, members = f"jw01234-o{k:03d}_t001_nircam_clear-f200w", names[25 * k : 25 * k + 25]
        entries = [{"expname": f"{name}_cal.fits", "exptype": "science"} for name in members]
        content = {"asn_type": "image3", "asn_id": f"o{k:03d}", "products": [{"name": product, "members": entries}]}
        _write(folder / "products" / f"jw01234-o{k:03d}_image3_00001_asn.json", json.dumps(content))
        solution["members"] = dict.fromkeys(members, solution["members"].popitem()[1])
        _write(folder / "products" / f"{product}_tweakreg.json", json.dumps(solution))
        _write(folder / "products" / f"{product}_skymatch.json", json.dumps({name: {"level": 0.1} for name in members}))
        for name in members:
            _write(folder / "benchmarks" / "detector1" / f"{name}.tsv", "s\tmax_rss\tcpu_time\n5\t400\t4\n")
    return find_run(folder)


def test_a_thousand_exposures_keep_within_the_budget(thousand, tmp_path):
    size = write_report(tmp_path / "report.html", thousand)
    text = (tmp_path / "report.html").read_text()
    assert 1_000_000 < size <= BUDGET
    page = Page(text)
    assert sum(address.startswith("data:image") for address in page.addresses) == 48
    assert text.count("<tr>") > 2000 and "976 more exposures are in the table only" in text


@pytest.mark.parametrize("budget", [2_000_000, 700_000])
def test_a_smaller_budget_shows_less(thousand, tmp_path, budget):
    assert write_report(tmp_path / "report.html", thousand, budget=budget) <= budget
    Page((tmp_path / "report.html").read_text())


def test_a_budget_that_nothing_meets_is_said(thousand, tmp_path):
    with pytest.raises(JwcalError, match="its budget is 1000; raise the budget"):
        write_report(tmp_path / "report.html", thousand, budget=1000)
    assert not list(tmp_path.iterdir())
