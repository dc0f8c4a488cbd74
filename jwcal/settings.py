"""The user's settings: checked against schema.yaml, and worked out for each exposure.

Layers, later ones win: the defaults of the schema; ``steps``; each entry of ``modes`` (what jwcal recommends for some
observing modes) and then of ``overrides`` (the user's own) whose ``when`` holds for the exposure.
"""

import fnmatch
import hashlib
import operator
import os
import re
from pathlib import Path

import yaml

from jwcal.caches import load_cache, save_cache
from jwcal.errors import JwcalError, suggest
from jwcal.exposures import KEYWORDS

CHECKED = ["settings", 2]  # version of the cache
# Properties besides header keywords that `when` may ask for.
PROPERTIES = ("name", "suffix", "tso")
COMPARISON = re.compile(r"(<=|>=|!=|==|<|>)\s*(.*)")
OPERATORS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def load_settings(config, schema_path, cache=None):
    """Check a configuration and make it usable.

    Parameters
    ----------
    config : dict
        Contents of config.yaml and of what the user laid over it.
    schema_path : str or pathlib.Path
        schema.yaml.
    cache : str or pathlib.Path, optional
        File that notes what was found to be right; to check it again takes a tenth of a second.

    Returns
    -------
    Settings

    Raises
    ------
    JwcalError
        Where a key is unknown or a value unfit: one line that names the key, what may stand there, and the nearest
        right key.
    """
    schema = load_yaml(schema_path)
    config = _read_texts(config, schema)
    digest = hashlib.sha256(repr((config, schema)).encode()).hexdigest()
    if load_cache(cache, CHECKED) != digest:
        _validate(config, schema)
        if cache:
            save_cache(cache, CHECKED, digest)
    for section in ("modes", "overrides"):
        for number, entry in enumerate(config.get(section) or ()):
            _check_conditions(entry["when"], f"{section}[{number}].when")
    override = (config.get("references") or {}).get("override") or {}
    for number, entry in enumerate(override if isinstance(override, list) else ()):
        _check_conditions(entry.get("when", {}), f"references.override[{number}].when")
    return Settings(config, schema)


def load_yaml(path):
    """Contents of a YAML file."""
    return yaml.load(Path(path).read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class Settings:
    """Settings of the workflow, and of each step for each exposure. Made by `load_settings`."""

    def __init__(self, config, schema):
        filled = _fill(config, schema)
        crds, environment = filled["crds"], os.environ
        self.raw, self.products = filled["raw"], filled["products"]
        self.crds_path = crds["path"] or environment.get("CRDS_PATH")
        self.crds_context = crds["context"] or environment.get("CRDS_CONTEXT")
        self.crds_server = crds["server"] or environment.get("CRDS_SERVER_URL")
        self.threads = filled["resources"]["threads"]
        self.associations = filled["associations"]
        self._base = filled["steps"] | {"pipelines": filled["pipelines"]}
        self._layers = filled["modes"] + filled["overrides"]
        override = filled["references"]["override"]
        self._references = override if isinstance(override, list) else [override]
        self._merged = {}

    def for_step(self, exposure, step):
        """Settings of a step for an exposure, as keyword arguments of its function.

        Parameters
        ----------
        exposure : jwcal.exposures.Exposure
            Decides which overrides hold.
        step : str
            Name of the step.

        Returns
        -------
        dict
        """
        return {name: value for name, value in self._for(exposure, step).items() if name != "skip"}

    def skips(self, exposure, step):
        """True where the user switched a step off for an exposure (``skip: true``)."""
        return self._for(exposure, step).get("skip", False)

    def pipeline_option(self, exposure, name):
        """Value of an option of ``pipelines`` for an exposure."""
        return self._for(exposure, "pipelines")[name]

    def reference_overrides(self, exposure):
        """Reference files that the user chose for an exposure: path by type, None for N/A."""
        chosen = {}
        for entry in self._references:
            if matches(entry.get("when", {}), exposure):
                chosen |= {reftype: path for reftype, path in entry.items() if reftype != "when"}
        return {t: None if path == "N/A" else os.path.expanduser(path) for t, path in chosen.items()}

    def _for(self, exposure, section):
        """Merged settings of a step or of ``pipelines``; worked out once for all exposures under the same layers."""
        layers = tuple(
            n for n, layer in enumerate(self._layers) if section in layer and matches(layer["when"], exposure)
        )
        key = section, layers
        if key not in self._merged:
            merged = dict(self._base.get(section, {}))
            for number in layers:
                merged |= self._layers[number][section]
            self._merged[key] = merged
        return self._merged[key]


# ---- conditions ----------------------------------------------------------------------------------------------------


def matches(when, exposure):
    """Whether the conditions of a ``when`` hold for an exposure.

    Parameters
    ----------
    when : dict
        Header keywords, in any case, with ``_`` for ``-``, or ``name``, ``suffix`` (of the exposure's file) and ``tso``
        (time series); all must hold. Value: a number, a logical value, a text with shell-style wildcards (``F1*W``), a
        comparison (``">5"``, ``"<=2022-08-01"``, ``"!=FULL"``), null (the keyword is absent), or a list of which one
        must hold. A keyword that is absent meets no other condition.
    exposure : jwcal.exposures.Exposure
        Has the keywords.

    Returns
    -------
    bool

    Raises
    ------
    JwcalError
        Where a number is compared with a text.
    """
    return all(_holds(wanted, _property(exposure, key)) for key, wanted in when.items())


def _property(exposure, key):
    key = key.lower()
    if key in PROPERTIES:
        return {"name": exposure.name, "suffix": exposure.suffix, "tso": exposure.is_tso}[key]
    return exposure.keyword(_keyword(key))


def _keyword(key):
    return key.upper() if key.upper() in KEYWORDS else key.upper().replace("_", "-")


def _holds(wanted, value):
    if isinstance(wanted, list):
        return any(_holds(each, value) for each in wanted)
    if wanted is None or value is None:
        return wanted is value
    if isinstance(wanted, bool) or isinstance(value, bool):
        return str(wanted).lower() == str(value).lower()
    if isinstance(wanted, str):
        comparison = COMPARISON.fullmatch(wanted.strip())
        if comparison is None:
            return _resembles(value, wanted)
        return _compare(value, *comparison.groups())
    return _number(value) == wanted


def _compare(value, sign, bound):
    number, limit = _number(value), _number(bound)
    if limit is not None:
        return number is not None and OPERATORS[sign](number, limit)
    if sign in ("==", "!="):
        return _resembles(value, bound) == (sign == "==")
    if not isinstance(value, str):
        raise JwcalError(
            f"config: a condition (when) compares {value} with {sign + bound!r}; write a number behind {sign}"
        )
    return OPERATORS[sign](value, bound)


def _resembles(value, pattern):
    return fnmatch.fnmatchcase(str(value).upper(), pattern.upper())


def _number(value):
    try:
        return float(value)
    except ValueError:
        return None


def _check_conditions(when, where):
    known = {key.lower(): key for key in KEYWORDS} | dict.fromkeys(PROPERTIES)
    for key in when:
        if _keyword(key).lower() not in known and key.lower() not in known:
            raise JwcalError(f"config: {where}: {key} is no property of exposures{_suggest(key.lower(), known)}")


# ---- schema --------------------------------------------------------------------------------------------------------


def _read_texts(config, schema):
    """Values that came as texts from the command line (``--config``), read as YAML where no text may stand."""
    if isinstance(config, dict) and isinstance(schema.get("properties"), dict):
        return {key: _read_texts(value, schema["properties"].get(key, {})) for key, value in config.items()}
    kinds = schema.get("type", "string")
    if not isinstance(config, str) or "string" in ([kinds] if isinstance(kinds, str) else kinds):
        return config
    try:
        return yaml.safe_load(config)
    except yaml.YAMLError:
        return config


def _fill(config, schema):
    """Configuration with the defaults of the schema where it says nothing."""
    filled = {}
    for key, part in schema["properties"].items():
        given = config.get(key)
        if "properties" in part and part.get("type") == "object":
            filled[key] = _fill(given or {}, part)
        else:
            filled[key] = part.get("default") if key not in config else given
    return filled


def _validate(config, schema):
    """Raise one clear line for what does not fit the schema."""
    import jsonschema

    standard = jsonschema.Draft202012Validator
    limits = {name: _refuse_nan(standard.VALIDATORS[name]) for name in LIMITS}
    validator = jsonschema.validators.extend(standard, limits)(schema)
    errors = sorted(validator.iter_errors(config), key=lambda e: [str(p) for p in e.path])
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise JwcalError(f"config: {_explain(errors[0])}{more}")


def _refuse_nan(check):
    """A limit that NaN, of which all comparisons are false, does not keep either."""
    import jsonschema

    def check_number(validator, limit, value, schema):
        if value != value:
            yield jsonschema.ValidationError("not a number")
        else:
            yield from check(validator, limit, value, schema)

    return check_number


def _explain(error):
    """What is wrong with a value, and what may stand there."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.path).lstrip(".")
    value, schema = error.instance, error.schema
    if error.validator == "additionalProperties":
        known = list(schema["properties"])
        key = next(key for key in value if key not in known)
        return f"{where + '.' if where else ''}{key} is not a setting{_suggest(key, known)}"
    if error.validator == "required":
        return f"{where}: {', '.join(key for key in error.validator_value if key not in value)} is missing"
    if error.validator == "enum":
        choices = error.validator_value
        return f"{where}: {value!r} is not one of {', '.join(map(str, choices))}{suggest(value, choices)}"
    if error.validator == "type":
        hint = f" (write {float(value)!r})" if isinstance(value, str) and _number(value) is not None else ""
        return f"{where}: {value!r} is not {_describe_type(error.validator_value)}{hint}"
    return f"{where}: {value!r} is out of range, it must be {describe_range(schema)}"


def _suggest(key, known):
    """The nearest of what is known, or all where they are few."""
    few = f"; there are {', '.join(map(str, known))}" if 0 < len(known) < 20 else ""
    return suggest(key, known, likeness=0.5) or few


TYPES = {"boolean": "true or false", "integer": "a whole number", "number": "a number", "string": "a text",
         "array": "a list", "object": "a mapping of keys to values", "null": "null"}  # fmt: skip


def _describe_type(names):
    return " or ".join(TYPES[name] for name in ([names] if isinstance(names, str) else names))


LIMITS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}


def describe_range(schema):
    """Limits of a setting in words, with its unit; empty where there are none."""
    limits = [f"{text} {schema[key]}" for key, text in LIMITS.items() if key in schema]
    words = {"minItems": "at least {} values", "maxItems": "at most {} values"}
    limits += [text.format(schema[key]) for key, text in words.items() if key in schema]
    return " and ".join(limits) + (f" {schema['unit']}" if limits and "unit" in schema else "")
