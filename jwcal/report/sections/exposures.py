"""Pictures of exposures, and all of them in a table."""

TITLE = "Exposures"
COLUMNS = (("exposure", "text"), ("detector", "text"), ("filter", "text"), ("type", "text"), ("subarray", "text"),
           ("groups", "num"), ("ints", "num"), ("time (s)", "num"), ("sky", "num"), ("noise", "num"), ("jump %", "num"),
           ("saturated %", "num"), ("outlier %", "num"), ("unusable %", "num"), ("pull width", "num"),
           ("products", "text"))  # fmt: skip
SETTLED = frozenset({"detector", "filter", "type", "subarray", "groups", "ints", "time (s)", "products"})
FLAGS = ("JUMP_DET", "SATURATED", "OUTLIER", "DO_NOT_USE")


def gather(evidence):
    """Pictures of the exposures shown, and a row of each exposure.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where there is no exposure.
    """
    if not evidence.exposures:
        return None
    pictures = [
        {"name": name, "about": describe(look["header"]), "suffix": look["suffix"], **look["image"]}
        for name in evidence.shown
        if "image" in (look := evidence.exposures[name])
    ]
    rows = [_make_row(name, look, evidence.run.exposures.get(name, {}))
            for name, look in sorted(evidence.exposures.items())]  # fmt: skip
    columns, common = choose_columns(rows)
    return {"pictures": pictures, "common": common, "columns": [COLUMNS[k] for k in columns],
            "rows": [[row[k] for k in columns] for row in rows], "others": len(rows) - len(pictures)}  # fmt: skip


def choose_columns(rows):
    """Columns that tell exposures apart, and what the others have in common, in words; empty columns are neither."""
    filled = [k for k in range(len(COLUMNS)) if any(row[k] != "" for row in rows)]
    alike = {k for k in filled[1:] if len(rows) > 1 and COLUMNS[k][0] in SETTLED and len({row[k] for row in rows}) == 1}
    common = ", ".join(f"{COLUMNS[k][0]} {rows[0][k]}" for k in filled if k in alike)
    return [k for k in filled if k not in alike], common


def describe(header):
    """Detector and filter in a few words."""
    words = [str(header[key]) for key in ("DETECTOR", "FILTER", "PUPIL") if header.get(key)]
    return " · ".join(word for word in words if word not in ("CLEAR", "N/A", "CLEARP"))


def _make_row(name, look, files):
    header, shares = look["header"], look.get("flags", {}).get("shares", {})
    width = look.get("pulls", {}).get("width")
    time, products = header.get("EFFEXPTM"), [suffix for suffix in files if suffix != "uncal"]
    return [
        name, *(str(header.get(key, "")) for key in ("DETECTOR", "FILTER", "EXP_TYPE", "SUBARRAY", "NGROUPS", "NINTS")),
        _show(time, ".1f"), _show(look.get("sky"), ".4g"), _show(look.get("noise"), ".3g"),
        *(_show(shares.get(flag), ".3f", 100) for flag in FLAGS), _show(width, ".3f"), " ".join(products),
    ]  # fmt: skip


def _show(value, form, factor=1):
    return format(factor * value, form) if isinstance(value, (int, float)) else ""
