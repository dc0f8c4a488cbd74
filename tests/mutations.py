"""Damage to raw files: seeded mutations of a small exposure's headers, pixels and structure."""

import gzip
import io

import numpy as np
from astropy.io import fits

CARD, BLOCK = 80, 2880

# Header values as they stand on a card: of a wrong type, absurd, or no value at all.
VALUES = (
    """0 -1 -7 1 3 2147483647 99999999999999999999999 1E300 -1E300 1E-300 1.5 -0.5 NaN Infinity -inf 'abc' '' '3' '-1'
    'NaN' T F (1,2) 12abc 'open @#!""".split()
    + ["", "'  '", "'two words'"]
)

# What stage 1 computes with, and what decides on its way.
USED = """NGROUPS NINTS NFRAMES GROUPGAP FRMDIVSR TFRAME TGROUP EFFINTTM INTSTART INTEND DRPFRMS1 NSAMPLES NOUTPUTS
    NRESETS FASTAXIS SLOWAXIS SUBSTRT1 SUBSTRT2 SUBSIZE1 SUBSIZE2 SUBARRAY READPATT EXP_TYPE INSTRUME DETECTOR TELESCOP
    FILTER PUPIL EXPSTART EXPEND DATE-OBS TIME-OBS TSOVISIT ZEROFRAM GAINFACT NRS_NORM NRS_REF MSTR_RD1 EXSEGNUM
    EXSEGTOT PROGRAM OBSERVTN VISIT TARGNAME PATTTYPE EXPOSURE TEMPLATE BAND CHANNEL""".split()
STRUCTURE = "BITPIX NAXIS NAXIS1 NAXIS2 NAXIS3 NAXIS4 BSCALE BZERO EXTNAME XTENSION PCOUNT GCOUNT EXTVER".split()


class Raw:
    """Content of a raw file, and where its cards are."""

    def __init__(self, path):
        self.content = path.read_bytes()
        with fits.open(path) as hdus:
            self.infos = [hdu.fileinfo() for hdu in hdus]
            self.names = [hdu.name for hdu in hdus]
        self.cards = [self._list_cards(info["hdrLoc"], info["datLoc"]) for info in self.infos]

    def _list_cards(self, first, last):
        starts = range(first, last, CARD)
        return {key: at for at in starts if (key := self.content[at : at + 8].decode().strip()) not in ("", "COMMENT")}

    def open(self):
        return fits.open(io.BytesIO(self.content), do_not_scale_image_data=True, memmap=False)


def name_keyword(rng, raw):
    """A keyword of the primary header or of SCI, and its place; mostly one that is used."""
    hdu = 0 if rng.random() < 0.8 else 1
    known = [key for key in USED if key in raw.cards[hdu]] if rng.random() < 0.8 else []
    keyword = str(rng.choice(known or sorted(set(raw.cards[hdu]) - {"END", "SIMPLE"})))
    return keyword, raw.cards[hdu][keyword]


def drop_keyword(rng, raw):
    keyword, place = name_keyword(rng, raw)
    return f"without {keyword}", put(raw.content, place, b"COMMENT")


def change_keyword(rng, raw):
    keyword, place = name_keyword(rng, raw)
    value = str(rng.choice(VALUES))
    return f"{keyword} = {value}", put(raw.content, place, f"{keyword:8}= {value:>20}".encode())


def change_structure(rng, raw):
    hdu = int(rng.integers(len(raw.cards)))
    keyword = str(rng.choice([key for key in STRUCTURE if key in raw.cards[hdu]]))
    value = str(rng.choice([*VALUES, "16", "-32", "64", "999", "2", "4"]))
    return f"{keyword} = {value} in HDU {hdu}", put(
        raw.content, raw.cards[hdu][keyword], f"{keyword:8}= {value:>20}".encode()
    )


def put(content, place, card):
    return content[:place] + card.ljust(CARD)[:CARD] + content[place + CARD :]


def truncate(rng, raw):
    length = int(rng.integers(len(raw.content)))
    return f"cut to {length} bytes", raw.content[:length]


def scramble(rng, raw):
    """Random bytes somewhere, mostly in a header."""
    changed = np.frombuffer(raw.content, np.uint8).copy()
    end = len(changed) if rng.random() < 0.3 else raw.infos[1]["datLoc"]
    start, length = int(rng.integers(end)), int(rng.integers(1, 200))
    changed[start : start + length] = rng.integers(0, 256, len(changed[start : start + length]))
    return f"noise in bytes {start}..{start + length}", changed.tobytes()


def drop_hdu(rng, raw):
    with raw.open() as hdus:
        number = int(rng.integers(1, len(hdus)))
        name = hdus[number].name
        del hdus[number]
        return f"without HDU {name}", encode(hdus)


def swap_hdus(rng, raw):
    """Names of two extensions exchanged: tables where images should be."""
    with raw.open() as hdus:
        one, other = (int(n) for n in rng.choice(np.arange(1, len(hdus)), 2, replace=False))
        names = hdus[one].name, hdus[other].name
        hdus[other].name, hdus[one].name = names
        return f"{names[0]} and {names[1]} swapped", encode(hdus)


def replace_file(rng, raw):
    kind = str(rng.choice(["empty", "text", "zeros", "zipped", "cut zip", "twice"]))
    zipped = gzip.compress(raw.content, 1, mtime=0)
    contents = {"empty": b"", "text": b"<html>404</html>", "zeros": bytes(len(raw.content)), "zipped": zipped,
                "cut zip": zipped[: len(zipped) // 2], "twice": raw.content * 2}  # fmt: skip
    return kind, contents[kind]


def change_pixels(rng, raw):
    """The same shape, other values and types."""
    with raw.open() as hdus:
        header = hdus["SCI"].header
        data = hdus["SCI"].data.astype(np.float32) + header.get("BZERO", 0)
        kind = str(rng.choice(["nan", "inf", "-inf", "huge", "tiny"]))
        value = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "huge": 3e38, "tiny": -3e38}[kind]
        where = str(rng.choice(["all", "group", "integration", "some", "pixel"]))
        select(rng, data, where)[...] = value
        return f"{kind} in {where}", replace_sci(hdus, data)


def select(rng, data, where):
    """A view of part of the samples."""
    integration, group = int(rng.integers(data.shape[0])), int(rng.integers(data.shape[1]))
    y, x = int(rng.integers(data.shape[2])), int(rng.integers(data.shape[3]))
    return {"all": data, "group": data[:, group], "integration": data[integration], "some": data[:, :, ::3, x:],
            "pixel": data[:, :, y, x]}[where]  # fmt: skip


def level_pixels(rng, raw):
    """Whole numbers as raw data have them: nothing, saturation, noise, falling ramps."""
    with raw.open() as hdus:
        shape = hdus["SCI"].data.shape
        kind = str(rng.choice(["zero", "full", "noise", "falling", "one bright"]))
        data = np.full(shape, 65535 if kind == "full" else 0, np.uint16)
        if kind == "noise":
            data = rng.integers(0, 65536, shape).astype(np.uint16)
        elif kind == "falling":
            data[...] = (60000 - 9000 * np.arange(shape[1]))[:, None, None]
        elif kind == "one bright":
            data[:, :, shape[2] // 2, shape[3] // 2] = 65535
        return kind, replace_sci(hdus, data)


def change_type(rng, raw):
    with raw.open() as hdus:
        dtype = str(rng.choice(["uint8", "int16", "int32", "int64", "float64", "float32"]))
        return dtype, replace_sci(hdus, np.abs(hdus["SCI"].data).astype(dtype))


def change_shape(rng, raw):
    with raw.open() as hdus:
        data = hdus["SCI"].data.astype(np.uint16)
        kinds = {
            "two axes": data[0, 0], "three axes": data[0], "five axes": data[None], "no groups": data[:, :0],
            "a group less": data[:, 1:], "an integration less": data[1:], "turned": data.swapaxes(2, 3),
            "axes reversed": data.T, "a column less": data[..., 1:], "a row": data[:, :, :1],
            "a pixel": data[..., :1, :1],
            "a column more": np.concatenate([data, data[..., :1]], axis=-1), "no data": None,
        }  # fmt: skip
        kind = str(rng.choice(list(kinds)))
        if kind != "no data" and rng.random() < 0.5:  # a header that agrees
            for keyword, axis in (("SUBSIZE1", -1), ("SUBSIZE2", -2), ("NGROUPS", -3), ("NINTS", -4)):
                if kinds[kind].ndim >= -axis:
                    hdus[0].header[keyword] = kinds[kind].shape[axis]
            kind += ", told"
        return kind, replace_sci(hdus, kinds[kind.removesuffix(", told")])


def add_hdu(rng, raw):
    """An array that belongs to a ramp, of wrong or odd content."""
    with raw.open() as hdus:
        shape = hdus["SCI"].data.shape
        name = str(rng.choice(["PIXELDQ", "GROUPDQ", "ZEROFRAME", "REFOUT", "AVDRKCUR", "SCI", "ASDF", "INT_TIMES"]))
        kinds = {"flat": shape[-2:], "cube": (shape[0], *shape[-2:]), "ramp": shape, "small": (3, 3), "line": (7,)}
        kind = str(rng.choice(list(kinds)))
        value = rng.choice([0, 1, 255]) if rng.random() < 0.7 else np.float32(np.nan)
        data = np.full(kinds[kind], value, np.float32 if np.isnan(value) else np.uint8)
        if name in hdus and name != "SCI":
            del hdus[name]
        hdus.append(fits.ImageHDU(data, name=name))
        return f"{name} is {kind} of {value}", encode(hdus)


def replace_sci(hdus, data):
    header = hdus["SCI"].header.copy(strip=True)
    for keyword in ("BZERO", "BSCALE"):
        header.remove(keyword, ignore_missing=True)
    number = hdus.index_of("SCI")
    hdus[number] = fits.ImageHDU(data, header, name="SCI", uint=True)
    return encode(hdus)


def encode(hdus):
    buffer = io.BytesIO()
    hdus.writeto(buffer, output_verify="ignore")
    return buffer.getvalue()


FAMILIES = {
    "missing": (drop_keyword, drop_keyword, drop_hdu),
    "values": (change_keyword,),
    "pixels": (change_pixels, level_pixels, change_type, change_shape, add_hdu),
    "files": (truncate, scramble, scramble, swap_hdus, replace_file, change_structure, change_structure),
}


def mutate(raw, family, seed):
    """(what was done, content of the damaged file) of one mutation."""
    rng = np.random.default_rng([seed, *family.encode()])
    return FAMILIES[family][seed % len(FAMILIES[family])](rng, raw)
