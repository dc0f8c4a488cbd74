"""Outliers: pixels of an exposure that the other exposures of the same sky contradict.

One room a kind of data, each giving an `OutlierMap` of every exposure:

* `imaging`: dithered images, through the median of all on a common grid;
* `stacking`: images that were not dithered, through the median of all on the detector.

`maps` holds what they give: packed, written beside the products, and applied to an exposure. It needs no kernels.
"""
