"""Associations made from headers and pools: the same products, members and roles as the official generator's."""

import json
import subprocess
from pathlib import Path

import pytest
from headers import MIRI, NIRCAM, OTHERS, list_headers, write_exposures
from oracle import find_python

from jwcal.associations.facts import IMAGING, NON_SCIENCE, find_backgrounds, list_facts
from jwcal.associations.pools import read_pool
from jwcal.associations.rules import make_associations
from jwcal.exposures import Exposure, take_inventory

SCRIPT = Path(__file__).with_name("official_associations.py")
RULES = ("Asn_Lv2FGS", "Asn_Lv2Image", "Asn_Lv2ImageNonScience", "Asn_Lv2ImageSpecial", "Asn_Lv3Image",
         "Asn_Lv3ImageBackground", "Asn_Lv3ImageMosaic")  # fmt: skip
OURS = IMAGING | NON_SCIENCE | {"nrs_mimf", "fgs_focus"}  # the EXP_TYPEs whose associations jwcal makes


def ask(job, timeout=300):
    """Answer of the official package."""
    done = subprocess.run(
        [find_python(), str(SCRIPT)], input=json.dumps(job), capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def summarize(document):
    """What must be the same: type, rule, candidate, target, product, members in any order."""
    (product,) = document["products"]
    members = sorted((Path(m["expname"]).name, m["exptype"], m["exposerr"]) for m in product["members"])
    keys = "asn_type asn_rule asn_id program target".split()
    return (product["name"], *(document[key] for key in keys), members)


def select(documents, types):
    """Official associations of imaging, in a fixed order; `types` are the EXP_TYPEs by exposure name."""
    chosen = []
    for document in documents:
        science = next(m["expname"] for m in document["products"][0]["members"] if m["exptype"] == "science")
        exp_type = types[Path(science).name.rpartition("_")[0]]
        if document["asn_rule"].partition("_")[2] in RULES and exp_type in OURS:
            if document["asn_type"] == "image2" or exp_type in IMAGING:
                chosen.append(summarize(document))
    return sorted(chosen, key=str)


def compare(documents, exposures, **options):
    """Assert that both make the same; the number of associations."""
    types = {exposure.name: exposure.exp_type.lower() for exposure in exposures}
    made = make_associations(exposures, **options)
    theirs, ours = select(documents, types), sorted((summarize(a.content) for a in made), key=str)
    assert [row for row in ours if row not in theirs] == []
    assert [row for row in theirs if row not in ours] == []
    assert len({a.file_name for a in made}) == len(made) == len(theirs)
    return len(made)


MOSAICS = {"001": [["c1001", "mosaic"], ["c1002", "group"]], "002": [["c1001", "mosaic"], ["c1002", "group"]]}
GROUPS = {"001": [["c1005", "group"]], "003": [["c1005", "group"]], "004": [["c1005", "group"], ["r2001", "mosaic"]]}
CASES = {
    "nircam": (NIRCAM, "01234", {}, False),
    "program": (NIRCAM, "04321", {}, False),
    "across": (NIRCAM, "01234", {}, True),
    "mosaic": (NIRCAM, "01234", MOSAICS, False),
    "group": (NIRCAM, "01234", GROUPS, False),
    "miri": (MIRI, "02000", None, False),
    "others": (OTHERS, "03000", {}, False),
}


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """Official associations and our inventory of each case: true files, pools made from them by the official tool."""
    folder, jobs, inventories = tmp_path_factory.mktemp("associations"), [], {}
    for table in (NIRCAM, MIRI, OTHERS):
        write_exposures(table, folder / "raw")
    inventory = take_inventory(folder / "raw")
    assert not inventory.warnings and len(inventory.exposures) == sum(
        map(len, map(list_headers, (NIRCAM, MIRI, OTHERS)))
    )
    for name, (_, program, candidates, discover) in CASES.items():
        exposures = [e for e in inventory.exposures if e.keyword("PROGRAM") == program]
        inventories[name] = exposures
        jobs.append({
            "files": [Path(e.path).name for e in exposures], "folder": str(folder / "raw"), "discover": discover,
            "pool": str(folder / f"{name}_pool.csv"), "candidates": list_candidates(exposures, candidates),
        })  # fmt: skip
    answers = ask({"generate": jobs})
    return {name: (answer, inventories[name], job["pool"]) for name, answer, job in zip(CASES, answers, jobs)}


def list_candidates(exposures, by_observation):
    """Candidates beside the observation, by file name: as the case says, or those that jwcal finds (None)."""
    if by_observation is not None:
        return {Path(e.path).name: by_observation.get(e.keyword("OBSERVTN"), []) for e in exposures}
    found = {}
    for (_, observation), items in find_backgrounds(list_facts(exposures, {})).items():
        for item in items:
            found.setdefault(Path(item.exposure.path).name, []).append([f"c1{observation}", "background"])
    return found


@pytest.mark.parametrize("name", CASES)
def test_same_associations_from_headers(generated, name):
    documents, exposures, pool = generated[name]
    _, _, candidates, discover = CASES[name]
    if not candidates:
        compare(documents, exposures, discover=discover)
    compare(documents, exposures, discover=discover, pool=read_pool(pool))


def test_names_of_the_archive_are_of_our_pattern(generated):
    documents, exposures, _ = generated["nircam"]
    theirs = {document["file_name"] for document in documents}
    assert theirs == {association.file_name for association in make_associations(exposures)}


POOLS = "002_image_miri 003_image_nircam 005_spec_niriss 007_spec_miri 017_spec_nirspec_lv2imprint 021_tso".split()
INSTALLED = "001_candidates 004_wfs 008_exposerr 020_00009_image_miri".split()


def read_exposures(pool):
    """Exposures of a pool."""
    columns = {"observtn": "obs_num"}
    names = """instrume detector channel band filter pupil grating fxd_slit exp_type subarray visitype program observtn
        targname targprop bkgdtarg is_psf is_imprt tsovisit""".split()
    return [
        Exposure(name, "uncal", "", {n.upper(): v for n in names if (v := row.get(columns.get(n, n)))}, (), 0)
        for name, row in pool.items()
    ]


@pytest.mark.parametrize("discover", [False, True], ids=["candidates", "discover"])
def test_same_associations_from_real_pools(real_data, tmp_path, discover):
    templates = [real_data / "pools" / f"pool_{name}.csv" for name in POOLS]
    jobs = [{"template": str(t), "pool": str(tmp_path / t.name), "discover": discover} for t in templates]
    check_pools(jobs, discover, 4)


def test_same_associations_from_the_official_package_s_own_pools(tmp_path):
    code = "import jwst.associations.tests as t; print(t.__path__[0])"
    run = subprocess.run([find_python(), "-c", code], capture_output=True, text=True, check=True)
    templates = [Path(run.stdout.strip()) / "data" / f"pool_{name}.csv" for name in INSTALLED]
    check_pools([{"template": str(t), "pool": str(tmp_path / t.name)} for t in templates], False, 2)


def check_pools(jobs, discover, least):
    """Compare a list of pools; most hold images."""
    counts = {}
    for job, documents in zip(jobs, ask({"generate": jobs})):
        pool = read_pool(job["pool"])
        counts[Path(job["pool"]).stem] = compare(documents, read_exposures(pool), pool=pool, discover=discover)
    assert sum(count > 0 for count in counts.values()) >= least, counts


def test_official_package_reads_ours(tmp_path):
    from headers import list_exposures

    made = make_associations(list_exposures(MIRI))
    paths = []
    for association in made:
        (tmp_path / association.file_name).write_text(json.dumps(association.content))
        paths.append(str(tmp_path / association.file_name))
    for association, answer in zip(made, ask({"validate": paths[:30]})):
        assert answer["rules"] and not answer["singleton"]
        suffix = "cal" if association.stage == 3 else "rate"
        members = [[f"{m.exposure_name}_{suffix}.fits", m.exptype] for m in association.members]
        assert answer["products"] == {association.name: members}
