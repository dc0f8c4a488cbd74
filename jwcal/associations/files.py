"""Reading association files that the user or the archive made: what they say, and what is wrong with them."""

import json
import os
import re

from jwcal.associations.members import Association, Member, crf_key, exposure_name, group_id
from jwcal.errors import JwcalError

TYPES = frozenset(
    "image2 spec2 tso-image2 tso-spec2 nrslamp-spec2 image3 spec3 tso3 ami3 coron3 wfs-image2 wfs-image3".split()
)

# Without these members there is no product; the others (acquisitions, catalogues) may be absent.
NEEDED = {2: ("science", "background", "imprint"), 3: ("science", "psf")}
# What images should have in common, and what is done with them.
ALIKE = {
    "image2": ("INSTRUME DETECTOR FILTER PUPIL SUBARRAY".split(), "one is subtracted from the other"),
    "image3": ("INSTRUME FILTER PUPIL".split(), "they are put into one mosaic"),
}


def read_associations(paths, exposures=None):
    """Read association files that the user or the archive made.

    Parameters
    ----------
    paths : iterable of str
        JSON files in the archive's format.
    exposures : iterable of jwcal.exposures.Exposure, optional
        What is at hand: an association that needs others is a problem. None: not checked.

    Returns
    -------
    associations : list of Association
        One for each product of a stage-2 file, one for each stage-3 file (the archive makes its first product only).
    problems : list of str
        One line for each file, or product of a file, that cannot be used: file, what, what to do.
    """
    known = None if exposures is None else {exposure.name: exposure for exposure in exposures}
    associations, problems, taken = [], [], {}
    for path in sorted(map(str, paths)):
        try:
            document = _load(path)
            products = document["products"]
        except JwcalError as error:
            problems.append(str(error))
            continue
        for index, product in enumerate(products):
            try:
                association = _read_product(path, document, product, known)
                if index and association.stage == 3:
                    raise JwcalError("only its first product is made; put the others into files of their own", path)
                _claim(association, taken)
                associations.append(association)
                problems += _tell_mixture(association, known)
            except JwcalError as error:
                problems.append(str(error))
    return associations, problems


def _load(path):
    """Content of an association file, its outline checked."""
    try:
        with open(path, encoding="utf-8") as file:
            document = _parse(file.read())
    except OSError as error:
        raise JwcalError(f"cannot be read ({error.strerror}); check its permissions", path) from error
    except ValueError as error:
        raise JwcalError(f"not valid JSON ({error}); correct it", path) from error
    products = document.get("products") if isinstance(document, dict) else None
    if not isinstance(products, list) or not products:
        raise JwcalError("not an association (it has no list of products); correct it or move it away", path)
    return document


def _parse(text):
    """Content of JSON, or of YAML, which forgives the comma after the last entry that one leaves by hand."""
    try:
        return json.loads(text)
    except ValueError as error:
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            raise error from None


def _read_product(path, document, product, known):
    """Association of one product of a file."""
    entries = product.get("members") if isinstance(product, dict) else None
    if not isinstance(entries, list) or not entries:
        raise JwcalError("a product has no list of members; add one", path)
    members = tuple(dict.fromkeys(_read_member(path, entry, known) for entry in entries))
    science = [member.exposure_name for member in members if member.exptype == "science"]
    if not science:
        raise JwcalError("a product has no member of exptype science; correct the exptype of its members", path)
    asn_type = _find_type(path, document, entries, (known or {}).get(science[0]))
    _check_backgrounds(path, asn_type, members, science)
    asn_id = document.get("asn_id") or "a3001"
    if not isinstance(asn_id, str) or not re.fullmatch(r"[\w-]+", asn_id):
        raise JwcalError(f"asn_id {asn_id!r} cannot be part of a file name; use one like a3001", path)
    base = os.path.basename(path)
    name = str(product.get("name") or base.removesuffix(".json").removesuffix("_asn"))
    association = Association(
        name=science[0] if asn_type.endswith("2") else name.rpartition("/")[2].removesuffix(".fits"),
        asn_type=asn_type, asn_id=asn_id, rule=str(document.get("asn_rule")), members=members, file_name=base,
        program=str(document.get("program") or ""), target=str(document.get("target") or ""),
        pool=str(document.get("asn_pool") or "none"), reason=f"as {path} says", path=path,
        document=document | {"products": [product]},
    )  # fmt: skip
    if known is not None:
        _check_present(association, known)
    return association


def _check_backgrounds(path, asn_type, members, science):
    """Complain of an exposure that is to be subtracted from itself, which leaves nothing."""
    both = [m.exposure_name for m in members if m.exptype == "background" and m.exposure_name in science]
    if both and asn_type.endswith("2"):
        raise JwcalError(f"{both[0]} is science and its own background; take one of the two members out", path)


def _read_member(path, entry, known):
    expname, exptype = (entry.get(key) for key in ("expname", "exptype")) if isinstance(entry, dict) else (None, None)
    if not isinstance(expname, str) or not isinstance(exptype, str):
        raise JwcalError(f"member {json.dumps(entry)} has no expname or exptype; add them", path)
    name, catalog = exposure_name(expname), entry.get("tweakreg_catalog", ...)
    group = entry.get("group_id") or (group_id(known[name]) if known and name in known else name)
    if catalog is not ...:
        catalog = os.path.join(os.path.dirname(path), catalog) if catalog and str(catalog).strip() else ""
    return Member(name, exptype.lower(), str(group), None if catalog is ... else catalog, entry.get("exposerr"))


def _check_present(association, known):
    """Complain of exposures that a product cannot do without."""
    needed = [m.exposure_name for m in association.members if m.exptype in NEEDED[association.stage]]
    absent = [name for name in needed if name not in known]
    if absent:
        others = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise JwcalError(
            f"member {absent[0]}{others} of {association.name} not in the raw folder; fetch or take out of the file",
            association.path,
        )


def _tell_mixture(association, known):
    """Lines on what images have not in common that are put into one mosaic, or subtracted from each other."""
    members = [m for m in association.members if m.exptype in NEEDED[association.stage]]
    subtracts = any(m.exptype == "background" for m in members)
    if known is None or association.asn_type not in ALIKE or (association.stage == 2 and not subtracts):
        return []
    keywords, what = ALIKE[association.asn_type]
    names = [m.exposure_name for m in members]
    values = {keyword: sorted({str(known[name].keyword(keyword)) for name in names}) for keyword in keywords}
    mixed = [f"{keyword} {', '.join(found)}" for keyword, found in values.items() if len(found) > 1]
    told = f"members of {association.name} differ in {' and '.join(mixed)}; {what} all the same"
    return [f"{association.path}: {told}"] if mixed else []


def _find_type(path, document, entries, exposure):
    """Type of an association; tools that list files leave it open, then the rule or the members' suffixes tell."""
    stated = str(document.get("asn_type") or "").lower()
    if stated in TYPES:
        return stated
    rule = str(document.get("asn_rule") or "")
    suffixes = {str(entry["expname"]).removesuffix(".fits").rpartition("_")[2] for entry in entries}
    if re.search("lv2|level2", rule, re.IGNORECASE) or suffixes & {"rate", "rateints"}:
        stage = 2
    elif re.search("lv3|level3", rule, re.IGNORECASE) or suffixes & {"cal", "calints", "crf"}:
        stage = 3
    else:
        raise JwcalError(f"asn_type {stated!r} unknown; set it to image2, image3, spec2, ...", path)
    return f"{_find_kind(exposure, stage)}{stage}"


def _find_kind(exposure, stage):
    """Which pipelines serve an exposure: image, spec, ...; imaging where nothing is known of it."""
    exp_type = exposure.exp_type if exposure else "IMAGE"
    imaging = exp_type.endswith(("IMAGE", "_4QPM", "_LYOT", "_CORON", "_AMI", "_FOCUS", "_MIMF", "ACQ", "CONFIRM"))
    series = exposure is not None and exposure.is_tso
    if stage == 2:
        return ("tso-" if series else "") + ("image" if imaging else "spec")
    if exp_type.endswith(("_4QPM", "_LYOT", "_CORON")):
        return "coron"
    if exp_type == "NIS_AMI":
        return "ami"
    return "tso" if series else "image" if imaging else "spec"


def _claim(association, taken):
    """Complain where two files would write the same product: by name of the product, of its file, or of a `_crf`."""
    if association.stage == 2:
        return
    claims = {("product", association.name): ("product name", "its product another name")}
    claims["file", association.file_name] = "file name", "the file another name"
    for name in association.science:
        claims[crf_key(association, name)] = f"asn_id {association.asn_id} and exposure {name}", "it another asn_id"
    for claim, (same, remedy) in claims.items():
        if claim in taken:
            raise JwcalError(
                f"the same {same} as in {taken[claim]}; give {remedy}, or remove one of the two", association.path
            )
    taken.update(dict.fromkeys(claims, association.path))
