"""jwcal: raw JWST exposures to calibrated, rectified images, driven by the file tree."""

from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config/config.yaml"


include: "rules/common.smk"
include: "rules/kernels.smk"
include: "rules/detector1.smk"
include: "rules/image2.smk"
include: "rules/image3.smk"
include: "rules/peek.smk"
include: "rules/report.smk"
include: "rules/simulate.smk"


onsuccess:
    drop_timers()


onerror:
    drop_timers()


localrules:
    all,


rule all:
    default_target: True
    input:
        targets,


explain_missing(
    MissingRuleException,
    lambda target: program.doubt(target, {rule.name for rule in workflow.rules}),
)
