"""NIRSpec's coordinates: from its slits, shutters and slices to the detector, and back.

`optics.Spectrograph` is what an exposure's light passes behind the apertures: collimator, grating wheel with its tilt,
grating or prism, camera, detector. `slits` lists the apertures that are open (`shutters` by the exposure's table) and
gives the `LightPath` of each: ``to_detector(x, y, wavelength)`` and ``from_detector(x, y)``. `footprints` tells the box
and the pixels of a path.

All of it is made of transforms (nodes, see `jwcal.wcs.transforms`) between the frames of the official coordinates, with
the tags of the packages gwcs and stdatamodels:

``Spectrograph.dms_to_sca``
    ``detector`` (zero-based pixels of the exposure) -> ``sca`` (pixels of the detector as it is mounted).
``Spectrograph.sca_to_gwa``
    -> ``gwa``, direction cosines behind the grating.
``LightPath.gwa_to_slit``
    -> ``slit_frame``: x, y in units of the slit's width and height, wavelength in m; the inverse is attached.
``slits.shutter_entrance``, ``slits.slice_entrance``
    From the slit to the plane before the collimator, m: ``msa_frame`` for slits and shutters.

Wavelengths are those in the frame of the solar system's barycentre wherever VELOSYS is known.
"""
