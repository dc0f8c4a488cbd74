# What the user asks about: which products there are and what is stale (summary), which reference files are needed (references),
# what came out (report).
from jwcal import report_inputs
from jwcal.settings import load_yaml


localrules:
    summary,
    references,


rule summary:
    log:
        "logs/summary.log",
    conda:
        "../envs/jwcal.yaml"
    params:
        rows=lambda wildcards: program.rows,
        notes=lambda wildcards: program.remarks(),
        leftovers=lambda wildcards: program.leftovers(),
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
        needed=lambda wildcards: program.references.listed(),
        crds=lambda wildcards: program.references.crds(),
    script:
        "../scripts/references.py"


# Numbers and small pictures of each product, taken once.
rule look:
    input:
        unpack(lambda w: report_inputs.look_inputs(program, w.exposure)),
    output:
        out=f"{REPORTS}/looks/{{exposure}}.json",
    log:
        "logs/look/{exposure}.log",
    benchmark:
        "benchmarks/look/{exposure}.tsv"
    wildcard_constraints:
        exposure="|".join(report_inputs.exposures(program)) or "(?!)",
    conda:
        "../envs/jwcal.yaml"
    resources:
        mem_mb=1000,
    params:
        code=program.code("look", ()),
    script:
        "../scripts/look.py"


use rule look as look_mosaic with:
    input:
        i2d=lambda w: program.image3.products(w.association)["i2d"],
    output:
        out=f"{REPORTS}/looks/{{association}}.json",
    log:
        "logs/look/{association}.log",
    benchmark:
        "benchmarks/look/{association}.tsv"
    wildcard_constraints:
        association=program.image3.pattern(),


# One self-contained HTML page about everything in the working folder. It links to Snakemake's own, where there is one:
# snakemake -j 1 all --report reports/snakemake.html
rule report:
    input:
        targets,
        expand(
            f"{REPORTS}/looks/{{name}}.json",
            name=report_inputs.exposures(program) + report_inputs.mosaics(program),
        ),
    output:
        html=f"{REPORTS}/report.html",
    log:
        "logs/report.log",
    conda:
        "../envs/jwcal.yaml"
    resources:
        mem_mb=1000,
    params:
        folders=dict(raw=program.settings.raw, products=PRODUCTS),
        settings=config,
        defaults=load_yaml(f"{workflow.basedir}/config/config.yaml"),
        notes=lambda wildcards: program.remarks(),
        snakemake_report=lambda wildcards: report_inputs.snakemake_report(REPORTS),
        code=program.code("report", ()),
    script:
        "../scripts/report.py"
