# What the user asks about: which products there are and what is stale (summary), which reference files are needed (references).


localrules:
    summary,
    references,


rule summary:
    log:
        "logs/summary.log",
    conda:
        "../envs/jwcal.yaml"
    params:
        rows=lambda wildcards: program.rows(),
        notes=lambda wildcards: dict(program.notes),
        snakefile=str(workflow.main_snakefile),
        settings=lambda wildcards: config,
    script:
        "../scripts/summary.py"


rule references:
    log:
        "logs/references.log",
    conda:
        "../envs/jwcal.yaml"
    params:
        needed=lambda wildcards: program.references_needed(),
        crds=lambda wildcards: program.crds(),
    script:
        "../scripts/references.py"
