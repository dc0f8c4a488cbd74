"""Correction steps: one module a step, one public function of the same name.

Positional arguments of a step are the product that it corrects and its reference files, keyword-only arguments its
settings with the official package's defaults: ``jump(ramp, gain, readnoise, *, rejection_threshold=4.0, ...)``.
"""
