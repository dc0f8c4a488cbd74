"""Detectors' read-out, and what refpix and emicorr make of it: side columns, their filters, IRS2, interference."""
