"""The report in a browser without a window: it says nothing on the console and asks for nothing."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from naive_sources import make_mosaic
from test_report_looks import make_image

from jwcal import products
from jwcal.report import find_run, write_report
from jwcal.steps.source_catalog import source_catalog

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OWN = re.compile(
    r"https?://[a-z0-9.]*\.(google|googleapis|gvt1|chromium)\.com[/:]"
)  # what the browser asks for by itself
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")


def browse(path, folder, width=1440):
    """Lines on the console, addresses asked for, and the page as it is after its script has run."""
    log = folder / "net.json"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", f"--user-data-dir={folder / 'browser'}", f"--log-net-log={log}",
               "--enable-logging=stderr", f"--window-size={width},900", "--dump-dom", path.as_uri()]  # fmt: skip
    result = subprocess.run([CHROMIUM, *options], capture_output=True, text=True, timeout=120)
    events = json.loads(log.read_text())["events"]
    addresses = {str(event.get("params", {}).get("url", "")) for event in events}
    console = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    return console, {a for a in addresses if a.startswith("http") and not OWN.match(a)}, result.stdout


def test_the_report_is_silent_and_asks_for_nothing(tmp_path):
    made, name = tmp_path / "products", "jw01234-o001_t001_nircam_clear-f200w"
    products.write(made / "jw01234001001_02101_00001_nrcb1_cal.fits", make_image())
    mosaic = make_mosaic((64, 64), [(30.0, 30.0, 300, 1.3, 1.3, 0)])
    mosaic.context = (mosaic.weight > 0).astype(np.int32)[None]
    mosaic.sci_header["PIXAR_A2"] = 0.031**2
    products.write(made / f"{name}_i2d.fits", mosaic)
    products.write_catalog(made / f"{name}_cat.ecsv", source_catalog(mosaic))
    write_report(tmp_path / "report.html", find_run(tmp_path))
    console, addresses, page = browse(tmp_path / "report.html", tmp_path)
    assert console == [] and addresses == set()
    assert name in page and 'id="mosaics"' in page and 'class="compass"' in page


def test_others_would_be_noticed(tmp_path):
    (tmp_path / "bad.html").write_text('<img src="http://127.0.0.1:9/x.png"><script>nothing.at.all()</script>')
    console, addresses, _ = browse(tmp_path / "bad.html", tmp_path)
    assert addresses == {"http://127.0.0.1:9/x.png"} and any("ReferenceError" in line for line in console)
