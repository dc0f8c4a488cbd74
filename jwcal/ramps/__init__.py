"""What jump and ramp_fit do beside kernels: large events, fits by least squares or by the likelihood of differences."""
