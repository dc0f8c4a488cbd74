"""How ramp_fit fits: by least squares over segments, or by the likelihood of differences; what both share."""
