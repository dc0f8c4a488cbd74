"""jwcal: calibrate James Webb Space Telescope data, from raw ramps to science products."""

__version__ = "0.1.0"
