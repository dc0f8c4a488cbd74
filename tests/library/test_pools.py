import pytest

from jwcal.associations.pools import normalise, read_pool, read_pools
from jwcal.errors import JwcalError

TABLE = """# the archive's table
#
FILENAME|OBS_NUM|TARGETID|ASN_CANDIDATE|BKGDTARG|EXPOSERR
jw1_NRCA1_uncal.fits|001|3|[('o001', 'OBSERVATION'), ('c1001', 'BACKGROUND')]|F|NULL
# a remark
dir/jw2_uncal.fits|002|4|"[('o002', 'observation')]"|t|unsuccessful
"""


def test_read_pool(tmp_path):
    path = tmp_path / "jw00001_pool.csv"
    path.write_text(TABLE)
    pool = read_pool(path)
    assert list(pool) == ["jw1_nrca1", "jw2"]
    assert pool["jw1_nrca1"]["asn_candidate"] == "[('o001', 'observation'), ('c1001', 'background')]"
    assert (pool["jw1_nrca1"]["bkgdtarg"], pool["jw1_nrca1"]["exposerr"]) == ("", "")
    assert (pool["jw2"]["targetid"], pool["jw2"]["exposerr"], pool["jw2"]["pool"]) == ("4", "unsuccessful", path.name)
    assert pool["jw2"]["asn_candidate"] == "[('o002', 'observation')]"


@pytest.mark.parametrize("text", ["", "# nothing\n", "a|b\n1|2\n"])
def test_what_is_no_pool_is_said(tmp_path, text):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(JwcalError, match="no pool"):
        read_pool(tmp_path / "x.csv")


def test_pools_among_tables(tmp_path):
    """The newer pool wins; a table that is not called a pool may be anything."""
    older, newer, stars, broken = (tmp_path / n for n in ("jw1_20220101_pool.csv", "jw1_20230101_pool.csv",
                                                          "stars.csv", "jw2_pool.csv"))  # fmt: skip
    older.write_text(TABLE)
    newer.write_text(TABLE.replace("|3|", "|5|").replace("dir/jw2", "dir/jw3"))
    stars.write_text("RA,DEC\n1,2\n")
    broken.write_text("RA,DEC\n1,2\n")
    pool, problems = read_pools([broken, newer, stars, older])
    assert list(pool) == ["jw1_nrca1", "jw2", "jw3"] and pool["jw1_nrca1"]["targetid"] == "5"
    assert pool["jw2"]["pool"] == older.name
    assert len(problems) == 1 and "jw2_pool.csv: no pool" in problems[0]


def test_normalise():
    assert [normalise(v) for v in (None, False, True, " F200W ", "N/A", "NULL", "F", 3)] == [
        "",
        "",
        "t",
        "f200w",
        "",
        "",
        "",
        "3",
    ]
