"""Which exposure's persistence windows the next one of its detector takes over; asked by `jwcal.workflow.Program`."""

from collections import defaultdict
from itertools import pairwise

DAY = 86400.0


class Succession:
    """The exposures that hand persistence windows on, in the order of time.

    Parameters
    ----------
    exposures : dict of str to jwcal.exposures.Exposure
        Those that stage 1 calibrates.
    settings : dict of str to dict
        Their settings of the step persistence; empty where it does not run.
    """

    def __init__(self, exposures, settings):
        self._lengths = {
            name: own["persistence_time"]
            for name, own in settings.items()
            if own.get("carry_over") and own.get("persistence_time")
        }
        order = defaultdict(list)
        for name in self._lengths:
            exposure = exposures[name]
            place = float(exposure.keyword("EXPSTART", 0.0)), int(exposure.keyword("INTSTART", 1)), name
            order[exposure.instrument, exposure.detector].append(place)
        self._before = {}
        for places in order.values():
            names = [name for _, _, name in sorted(places)]
            longest = max(self._lengths[name] for name in names)
            for before, name in pairwise(names):
                if _may_last(exposures[before], exposures[name], longest):
                    self._before[name] = before

    def __iter__(self):
        """Names of the exposures whose windows another one takes over."""
        return iter(set(self._before.values()))

    def before(self, name):
        """The exposure whose windows may still be open when another one starts, None if there is none."""
        return self._before.get(name)


def _may_last(before, exposure, longest):
    """False where all windows are closed when the later exposure starts."""
    end, start = before.keyword("EXPEND"), exposure.keyword("EXPSTART")
    return end is None or start is None or (float(start) - float(end)) * DAY <= longest
