"""The manual of settings, config/README.md, made from schema.yaml: ``python -m jwcal.manual > config/README.md``.

``python -m jwcal.manual --check`` only tells whether the manual is up to date.
"""

import sys
from pathlib import Path

from jwcal.settings import describe_range, load_yaml

CONFIG = Path(__file__).resolve().parent.parent / "config"

INTRODUCTION = """\
# Settings

<!-- Made from schema.yaml by `python -m jwcal.manual > config/README.md`; edit the schema, not this file. -->

| file | what it holds |
|---|---|
| `config.yaml` | all settings, with values good for science; always read |
| `official.yaml` | the defaults in the code of the official package; lay it over: `--configfile config/official.yaml` |
| `chains.yaml` | which steps a mode runs, in which order |
| `exp_types.csv` | which pipelines an EXP_TYPE runs |
| `schema.yaml` | what may stand in `config.yaml`; every run checks it |

To change settings write those that differ into a file of your own and add `--configfile mine.yaml`, or edit
`config.yaml`:

```yaml
steps:
  jump: {rejection_threshold: 5.0}            # for all exposures
overrides:
  - when: {exp_type: NRC_IMAGE, ngroups: "<6"}  # for some
    jump: {rejection_threshold: 6.0}
    ipc: {skip: true}
references:
  override: {flat: /data/my_flat.fits}
```

A changed setting makes exactly those products anew whose steps use it. A list in your file (`overrides`) replaces the
list below it; everything else is laid over key by key.

## Conditions: `when`

`when` names properties of an exposure, all of which must hold: any of the header keywords below in upper or lower case
(`_` may stand for `-`), `name` and `suffix` of the file, and `tso` (true for time series).

| value | holds when the property |
|---|---|
| `F200W`, `5`, `true` | has this value (case does not matter) |
| `"F1*W"`, `NRC?1` | matches the pattern |
| `">5"`, `"<=2022-08-01"`, `"!=FULL"` | compares so: numbers as numbers, others as texts |
| `[NRCA1, NRCB1]` | meets one of the list |
| `null` | is absent from the header; an absent one meets no other condition |
"""


def render(schema):
    """Text of the manual.

    Parameters
    ----------
    schema : dict
        Contents of schema.yaml.

    Returns
    -------
    str
        Markdown.
    """
    from jwcal.exposures import KEYWORDS

    parts = schema["properties"]
    plain = {name: part for name, part in parts.items() if "properties" not in part}
    lines = [INTRODUCTION, f"Keywords: {', '.join(KEYWORDS)}.\n", "## General\n", *_tabulate(plain)]
    for name, part in parts.items():
        if "properties" in part and name != "steps":
            lines += [f"\n## `{name}`\n", part["description"] + "\n", *_tabulate(part["properties"])]
    lines += ["\n## `steps`\n", parts["steps"]["description"]]
    for name, part in parts["steps"]["properties"].items():
        lines += [f"\n### `{name}`\n", part["description"] + "\n", *_tabulate(part["properties"])]
    return "\n".join(lines) + "\n"


def _tabulate(properties):
    """Table of settings: name, values, unit, default, meaning."""
    yield "| setting | values | default | meaning |"
    yield "|---|---|---|---|"
    for name, part in properties.items():
        yield f"| `{name}` | {_values(part)} | {_default(part)} | {' '.join(part['description'].split())} |"


def _values(part):
    if "enum" in part:
        return ", ".join("null" if choice is None else f"`{choice}`" for choice in part["enum"])
    names = {"boolean": "true, false", "integer": "whole number", "number": "number", "string": "text", "array": "list",
             "object": "mapping", "null": "null"}  # fmt: skip
    kinds = part["type"] if isinstance(part["type"], list) else [part["type"]]
    limits = describe_range({key: value for key, value in part.items() if key != "unit"})
    text = " or ".join(names[kind] for kind in kinds) + (f", {limits}" if limits else "")
    return f"{text} [{part['unit']}]" if "unit" in part else text


def _default(part):
    text = _show(part.get("default"))
    return f"{text} (official: {_show(part['official'])})" if "official" in part else text


def _show(value):
    words = {None: "null", True: "true", False: "false"}
    return f"`{words[value] if value is None or isinstance(value, bool) else value}`"


def main(arguments):
    """Print the manual, or check the one at hand."""
    text = render(load_yaml(CONFIG / "schema.yaml"))
    if arguments != ["--check"]:
        print(text, end="")
    elif (CONFIG / "README.md").read_text() != text:
        sys.exit("config/README.md is out of date; run: python -m jwcal.manual > config/README.md")


if __name__ == "__main__":
    main(sys.argv[1:])
