"""Files of the user's own that settings name: a job depends on them, since they may be edited in place."""

import os

# Settings that name a file, by step.
OWN_FILES = {
    "dq_init": ("user_supplied_dq",),
    "clean_flicker_noise": ("user_mask",),
    "flat_field": ("user_supplied_flat",),
    "tweakreg": ("abs_refcat", "catfile", "alignment_file"),
    "skymatch": ("skylist",),
    "resample": ("output_wcs",),
}


def list_own_files(settings):
    """Files that the settings of a job name.

    Parameters
    ----------
    settings : dict of str to dict
        Settings by step.

    Returns
    -------
    list of str
        Those that are there; of the others, see `find_absent`, the job will say that they are missing.
    """
    return [path for _, path in _list_named(settings) if os.path.isfile(path)]


def find_absent(settings):
    """(setting, path) of files that settings name and that are not there; parameters as `list_own_files`."""
    return [(setting, path) for setting, path in _list_named(settings) if not os.path.isfile(path)]


def _list_named(settings):
    """(setting, path) of all files that settings name."""
    for step, names in OWN_FILES.items():
        for name in names:
            path = settings.get(step, {}).get(name)
            if isinstance(path, str):
                yield f"steps.{step}.{name}", path
