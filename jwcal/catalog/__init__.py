"""Source catalogues: detection, photometry in circles and isophotes, and the table that is written."""
