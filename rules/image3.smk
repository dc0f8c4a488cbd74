# Stage 3 imaging: the _cal of an association → aligned, levelled and cleaned exposures _crf, mosaic _i2d → catalogue _cat.
# Each step is a rule of its own: what it finds is a small file, and only what depends on a changed setting is made anew.

# Threads of jobs on all exposures of an association; more than eight gain little, and others may use them.
WIDE = min(8, workflow.cores or 1)


localrules:
    association,


wildcard_constraints:
    association=program.image3.pattern(),


rule association:
    output:
        asn=f"{PRODUCTS}/{{asn}}_asn.json",
    log:
        "logs/association/{asn}.log",
    wildcard_constraints:
        asn=program.image3.file_pattern(),
    conda:
        "../envs/jwcal.yaml"
    params:
        content=lambda w: program.image3.content(w.asn),
    script:
        "../scripts/association.py"


# Of a moving target, in place of the two that follow.
rule assign_mtwcs:
    input:
        unpack(lambda w: program.image3.inputs("assign_mtwcs", w.association)),
    output:
        alignment=f"{PRODUCTS}/{{association}}_mtwcs.json",
    log:
        "logs/assign_mtwcs/{association}.log",
    benchmark:
        "benchmarks/assign_mtwcs/{association}.tsv"
    conda:
        "../envs/jwcal.yaml"
    threads: 1
    resources:
        mem_mb=lambda w: program.image3.memory("assign_mtwcs", w.association),
        runtime=10,
    params:
        plan=lambda w: program.image3.plan("assign_mtwcs", w.association),
    script:
        "../scripts/assign_mtwcs.py"


rule tweakreg_catalog:
    input:
        cal=source("cal"),
    output:
        catalog=f"{PRODUCTS}/{{exposure}}_tweakregcat.ecsv",
    log:
        "logs/tweakreg_catalog/{exposure}.log",
    benchmark:
        "benchmarks/tweakreg_catalog/{exposure}.tsv"
    wildcard_constraints:
        exposure=program.image3.exposure_pattern(),
    conda:
        "../envs/jwcal.yaml"
    threads: 1
    resources:
        mem_mb=lambda w: program.image3.catalog_memory(w.exposure),
        runtime=10,
    params:
        plan=lambda w: program.image3.catalog_plan(w.exposure),
    script:
        "../scripts/tweakreg_catalog.py"


rule tweakreg:
    input:
        unpack(lambda w: program.image3.inputs("tweakreg", w.association)),
    output:
        alignment=f"{PRODUCTS}/{{association}}_tweakreg.json",
    log:
        "logs/tweakreg/{association}.log",
    benchmark:
        "benchmarks/tweakreg/{association}.tsv"
    conda:
        "../envs/jwcal.yaml"
    threads: 1
    resources:
        mem_mb=lambda w: program.image3.memory("tweakreg", w.association),
        runtime=20,
    params:
        plan=lambda w: program.image3.plan("tweakreg", w.association),
    script:
        "../scripts/tweakreg.py"


rule skymatch:
    input:
        unpack(lambda w: program.image3.inputs("skymatch", w.association)),
    output:
        levels=f"{PRODUCTS}/{{association}}_skymatch.json",
    log:
        "logs/skymatch/{association}.log",
    benchmark:
        "benchmarks/skymatch/{association}.tsv"
    conda:
        "../envs/jwcal.yaml"
    threads: WIDE
    resources:
        mem_mb=lambda w: program.image3.memory("skymatch", w.association),
        runtime=60,
    params:
        plan=lambda w: program.image3.plan("skymatch", w.association),
    script:
        "../scripts/skymatch.py"


rule outlier_detection:
    input:
        unpack(lambda w: program.image3.inputs("outlier_detection", w.association)),
    output:
        outliers=f"{PRODUCTS}/{{association}}_outliers.fits",
    log:
        "logs/outlier_detection/{association}.log",
    benchmark:
        "benchmarks/outlier_detection/{association}.tsv"
    conda:
        "../envs/jwcal.yaml"
    threads: WIDE
    resources:
        mem_mb=lambda w: program.image3.memory("outlier_detection", w.association),
        runtime=120,
    params:
        plan=lambda w: program.image3.plan("outlier_detection", w.association),
    script:
        "../scripts/outlier_detection.py"


# What the three steps found, put into each exposure.
rule crf:
    input:
        unpack(lambda w: program.image3.crf_inputs(w.crf)),
    output:
        crf=f"{PRODUCTS}/{{crf}}_crf.fits",
    log:
        "logs/crf/{crf}.log",
    benchmark:
        "benchmarks/crf/{crf}.tsv"
    wildcard_constraints:
        crf=program.image3.crf_pattern(),
    conda:
        "../envs/jwcal.yaml"
    threads: 1
    resources:
        mem_mb=lambda w: program.image3.crf_memory(w.crf),
        runtime=10,
    params:
        plan=lambda w: program.image3.crf_plan(w.crf),
    script:
        "../scripts/crf.py"


# Made of the same files as the _crf, not of these: they are made later, beside the catalogue.
rule mosaic:
    input:
        unpack(lambda w: program.image3.inputs("mosaic", w.association)),
    output:
        i2d=f"{PRODUCTS}/{{association}}_i2d.fits",
    log:
        "logs/mosaic/{association}.log",
    benchmark:
        "benchmarks/mosaic/{association}.tsv"
    priority: 1
    conda:
        "../envs/jwcal.yaml"
    threads: WIDE
    resources:
        mem_mb=lambda w: program.image3.memory("mosaic", w.association),
        runtime=120,
    params:
        plan=lambda w: program.image3.plan("mosaic", w.association),
    script:
        "../scripts/mosaic.py"


rule source_catalog:
    input:
        unpack(lambda w: program.image3.inputs("source_catalog", w.association)),
    output:
        cat=f"{PRODUCTS}/{{association}}_cat.ecsv",
        segm=f"{PRODUCTS}/{{association}}_segm.fits",
    log:
        "logs/source_catalog/{association}.log",
    benchmark:
        "benchmarks/source_catalog/{association}.tsv"
    wildcard_constraints:
        association=program.image3.catalog_pattern(segmented=True),
    priority: 1
    conda:
        "../envs/jwcal.yaml"
    threads: max(1, WIDE // 2)
    resources:
        mem_mb=lambda w: program.image3.memory("source_catalog", w.association),
        runtime=60,
    params:
        plan=lambda w: program.image3.plan("source_catalog", w.association),
    script:
        "../scripts/source_catalog.py"


use rule source_catalog as star_catalog with:
    output:
        cat=f"{PRODUCTS}/{{association}}_cat.ecsv",
    wildcard_constraints:
        association=program.image3.catalog_pattern(segmented=False),
