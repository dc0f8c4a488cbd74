"""Mosaics: the image, how many exposures reach where, how deep it is."""

from jwcal.report import charts, pictures

TITLE = "Mosaics"


def gather(evidence):
    """Pictures of the mosaics shown.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where there is no mosaic.
    """
    found = [_describe(name, evidence.mosaics[name]) for name in evidence.shown_mosaics
             if evidence.mosaics.get(name, {}).get("image")]  # fmt: skip
    total = sum("i2d" in files for files in evidence.run.mosaics.values())
    if not found:
        return None
    return {"mosaics": found, "others": max(0, total - len(found)), "glow": pictures.gradient(pictures.GLOW),
            "sea": pictures.gradient(pictures.SEA)}  # fmt: skip


def _describe(name, look):
    header, shape, scale = look["header"], look["shape"], look.get("scale")
    words = [f"{shape[1]} × {shape[0]} pixels"]
    if scale:
        words.append(f"{scale:.4f}″ a pixel")
        words.append(f"{shape[1] * scale / 60:.2f}′ × {shape[0] * scale / 60:.2f}′")
    if isinstance(header.get("EFFEXPTM"), (int, float)):
        words.append(f"{header['EFFEXPTM']:.0f} s")
    depth = look.get("depth")
    if depth:
        depth = depth | {"svg": _draw_depth(depth)}
    band = " ".join(str(header[key]) for key in ("INSTRUME", "FILTER") if header.get(key))
    compass = charts.draw_compass(look["north"], look["east"]) if "north" in look else ""
    return {"name": name, "band": band, "about": words, "image": look["image"], "exposures": look.get("exposures"),
            "depth": depth, "compass": compass}  # fmt: skip


def _draw_depth(depth):
    """Distribution of the depth over the pixels."""
    total = sum(depth["counts"]) or 1
    shares = [100 * count / total for count in depth["counts"]]
    text = f"AB magnitude of a {depth['sigma']:g} sigma source"
    return charts.draw_histogram(shares, *depth["edges"], text, "distribution of the depth", y_label="% of pixels")
