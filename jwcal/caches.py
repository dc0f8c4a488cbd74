"""JSON caches of what is slow to find out: headers of exposures, choices of reference files."""

import json
import os
from contextlib import suppress
from pathlib import Path


def load_cache(path, version):
    """Entries of a JSON cache; empty where it is absent, unreadable or of another `version`."""
    try:
        content = json.loads(Path(path).read_bytes()) if path else {}
        return content["entries"] if content.get("version") == version else {}
    except (OSError, ValueError, AttributeError, KeyError):
        return {}


def save_cache(path, version, entries):
    """Write a JSON cache, replacing it whole; a folder that cannot be written only costs time, so it is no error."""
    temporary = f"{path}.tmp-{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(temporary, "w") as file:
            file.write(json.dumps({"version": version, "entries": entries}, separators=(",", ":")))
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
