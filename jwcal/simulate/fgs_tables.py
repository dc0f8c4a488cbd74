"""Tables of the guiders' raw files: the stars that were planned and found, pointing, centroids, the tracking window."""

import numpy as np
from astropy.io import fits

from jwcal.fitsfiles import Extension
from jwcal.simulate import scene as skies

DAY = 86400.0
JITTER = 1.0  # mas, 1 sigma an axis
MOST_STARS = 11  # a guide star and its reference stars
MAGNITUDE_ERROR = 0.03

PLANNED = np.dtype(
    [("guide_star_order", "i4"), ("reference_order", "i4"), ("reference_star_id", "S12"), ("ra", "f8"), ("dec", "f8"),
     ("id_x", "f8"), ("id_y", "f8"), ("fgs_mag", "f8"), ("fgs_mag_uncert", "f8"), ("count_rate", "f8"),
     ("count_rate_uncert", "f8")]
)  # fmt: skip
FLIGHT = np.dtype([("reference_star_id", "S2"), ("id_x", "f8"), ("id_y", "f8"), ("count_rate", "f8")])
POINTING = np.dtype(
    [("time", "f8"), ("jitter", "f8"), *((f"delta_{name}", "f8") for name in (
        "ddc_ra", "ddc_dec", "aperture_pa", "v1_ra", "v1_dec", "v3_pa", "j1_ra", "j1_dec", "j3_pa")),
     ("HGA_motion", "S16")]
)  # fmt: skip
CENTROIDS = np.dtype(
    [("observatory_time", "S23"), ("centroid_time", "S23"), ("guide_star_position_x", "f8"),
     ("guide_star_position_y", "f8"), ("guide_star_instrument_counts_per_sec", "f8"),
     ("signal_to_noise_current_frame", "f8"), ("delta_signal", "f8"), ("delta_noise", "f8"), ("psf_width_x", "i4"),
     ("psf_width_y", "i4"), ("data_quality", "i4"), ("bad_pixel_flag", "S4"), ("bad_centroid_dq_flag", "S12"),
     ("cosmic_ray_hit_flag", "S5"), ("sw_subwindow_loc_change_flag", "S5"),
     ("guide_star_at_detector_subwindow_boundary_flag", "S5"), ("subwindow_out_of_FOV_flag", "S5")]
)  # fmt: skip
WINDOWS = np.dtype([("observatory_time", "S23"), ("x_corner", "f8"), ("y_corner", "f8"), ("x_size", "i4"),
                    ("y_size", "i4")])  # fmt: skip


def list_tables(plan, scene):
    """Tables of a raw file, by the guider's function.

    Parameters
    ----------
    plan : jwcal.simulate.plans.Plan
        Exposure.
    scene : jwcal.simulate.scene.Scene
        Sky.

    Returns
    -------
    list of Extension, or None
        None for exposures that are not for guiding: their tables are those of groups and integrations.
    """
    exp_type = plan.setup.exp_type
    if exp_type in ("FGS_ACQ1", "FGS_ACQ2"):
        return []
    if exp_type in ("FGS_ID-IMAGE", "FGS_ID-STACK"):
        stars = choose_stars(plan, scene)
        found = list_found(plan, stars)
        count = fits.Header([("NUMREFST", len(found))])
        return [Extension("Flight Reference Stars", found, count),
                Extension("Planned Reference Stars", list_planned(plan, stars))]  # fmt: skip
    if exp_type not in ("FGS_TRACK", "FGS_FINEGUIDE"):
        return None
    state = "TRACK" if exp_type == "FGS_TRACK" else "FINE_GUIDE"
    said = fits.Header([("DETECTID", plan.chip.name), ("GUIDESTA", state)])
    star = choose_stars(plan, scene)[:1]
    tables = [list_pointing(plan), Extension("FGS Centroid Packet", list_centroids(plan, star), said)]
    return [*tables, Extension("Track subarray table", list_windows(plan))] if state == "TRACK" else tables


def choose_stars(plan, scene):
    """The brightest stars on the image."""
    if not len(scene.stars):
        return scene.stars
    x, y = plan.pointing.to_pixel(scene.stars["ra"], scene.stars["dec"])
    inside = (x > 0) & (x < plan.aperture.nx - 1) & (y > 0) & (y < plan.aperture.ny - 1)
    stars = scene.stars[inside]
    return stars[np.argsort(stars["mag"])][:MOST_STARS]


def _place(plan, stars):
    """Ideal coordinates (arcsec) of stars, in the frame of the full detector."""
    frame = plan.pointing.distortion
    offset = np.array(plan.pointing.attitude.to_v2v3(stars["ra"], stars["dec"]))
    offset -= np.array([[frame.v2_ref], [frame.v3_ref]])
    return np.linalg.solve(frame.rotation, offset)


def _count(plan, stars):
    """Electrons per second of stars."""
    flux = skies.flux_density(stars["mag"], stars["slope"], plan.band.pivot)
    return flux * skies.electrons_per_jansky(plan.band)


def list_planned(plan, stars):
    """Planned reference stars: one guide star and what else is near it."""
    table = np.zeros(len(stars), PLANNED)
    table["guide_star_order"], table["reference_order"] = plan.setup.exposure, np.arange(len(stars))
    table["reference_star_id"] = [f"SIM{number:08d}".encode() for number in stars["id"]]
    table["ra"], table["dec"] = stars["ra"], stars["dec"]
    table["id_x"], table["id_y"] = _place(plan, stars)
    table["fgs_mag"], table["fgs_mag_uncert"] = stars["mag"], MAGNITUDE_ERROR
    table["count_rate"] = _count(plan, stars)
    table["count_rate_uncert"] = MAGNITUDE_ERROR * table["count_rate"]
    return table


def list_found(plan, stars):
    """Reference stars that the guider found."""
    table = np.zeros(len(stars), FLIGHT)
    table["reference_star_id"] = [f"{number:02d}".encode() for number in range(len(stars))]
    table["id_x"], table["id_y"] = _place(plan, stars)
    table["count_rate"] = _count(plan, stars)
    return table


def _shake(plan):
    """Pointing errors (mas) along two axes in each integration, the same for all tables of an exposure."""
    rng = np.random.default_rng([plan.setup.program, plan.setup.observation, plan.setup.visit, plan.timing.nints])
    return rng.normal(0, JITTER, (2, plan.timing.nints))


def list_pointing(plan):
    """Table of pointing errors (mas), one row an integration, with its header."""
    table = np.zeros(plan.timing.nints, POINTING)
    table["time"] = np.arange(plan.timing.nints) * plan.timing.cycle * 1e3
    table["delta_ddc_ra"], table["delta_ddc_dec"] = _shake(plan)
    table["jitter"] = np.hypot(*_shake(plan))
    for name in ("v1", "j1"):
        table[f"delta_{name}_ra"], table[f"delta_{name}_dec"] = table["delta_ddc_ra"], table["delta_ddc_dec"]
    table["HGA_motion"] = b"FINISHED"
    jitter = {f"JITTR{name}": float(value) for name, value in (
        ("AVG", table["jitter"].mean()), ("MAX", table["jitter"].max()), ("MIN", table["jitter"].min()))}  # fmt: skip
    ra, dec = plan.pointing.attitude.to_sky(0.0, 0.0)
    cards = {"DDCFLDPT": plan.aperture.name, "POINTTIM": _name_times(plan)[0].decode(), "RA_DDC": plan.setup.ra,
             "DEC_DDC": plan.setup.dec, "RA_V1": float(ra), "DEC_V1": float(dec)}  # fmt: skip
    return Extension("Pointing", table, fits.Header(list((cards | jitter).items())))


def _name_times(plan):
    """Middle of each integration as text, to the millisecond."""
    from jwcal.simulate.plans import format_time

    middles = plan.setup.start + (np.arange(plan.timing.nints) + 0.5) * plan.timing.cycle / DAY
    return [format_time(moment)[:23].encode() for moment in middles]


def list_centroids(plan, star):
    """Table of the guide star's centroids, one row an integration."""
    table = np.zeros(plan.timing.nints, CENTROIDS)
    table["observatory_time"] = table["centroid_time"] = _name_times(plan)
    x, y = _place(plan, star)[:, 0] if len(star) else (0.0, 0.0)
    shift = _shake(plan) / 1e3
    table["guide_star_position_x"], table["guide_star_position_y"] = x + shift[0], y + shift[1]
    rate = float(_count(plan, star)[0]) if len(star) else 0.0
    table["guide_star_instrument_counts_per_sec"] = rate
    table["signal_to_noise_current_frame"] = np.sqrt(rate * plan.timing.tgroup)
    table["psf_width_x"] = table["psf_width_y"] = 1
    table["bad_pixel_flag"], table["bad_centroid_dq_flag"] = b"0", b"GOOD"
    for name in ("cosmic_ray_hit", "sw_subwindow_loc_change", "guide_star_at_detector_subwindow_boundary",
                 "subwindow_out_of_FOV"):  # fmt: skip
        table[f"{name}_flag"] = b"NO"
    return table


def list_windows(plan):
    """Table of the window that follows the guide star: here it stays."""
    table = np.zeros(plan.timing.nints, WINDOWS)
    table["observatory_time"] = _name_times(plan)
    table["x_corner"], table["y_corner"] = plan.aperture.x0 + 1, plan.aperture.y0 + 1
    table["x_size"], table["y_size"] = plan.aperture.nx, plan.aperture.ny
    return table
