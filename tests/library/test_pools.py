import pytest

from jwcal.errors import JwcalError
from jwcal.pools import normalise, read_pool

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
