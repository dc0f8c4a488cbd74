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
        Those that are there; of the others the job will say that they are missing.
    """
    named = (settings[step].get(name) for step, names in OWN_FILES.items() if step in settings for name in names)
    return [path for path in named if isinstance(path, str) and os.path.isfile(path)]
