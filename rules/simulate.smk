# The demo program: simulated raw exposures and the miniature CRDS cache that calibrates them. Not part of `all`.


localrules:
    simulate,
    demo,


rule simulate:
    input:
        spec=f"{workflow.basedir}/config/demo.yaml",
    output:
        done=".jwcal/simulated.txt",
    log:
        "logs/simulate.log",
    benchmark:
        "benchmarks/simulate.tsv"
    conda:
        "../envs/jwcal.yaml"
    threads: workflow.cores or 1
    params:
        raw=program.settings.raw,
        cache="crds_cache",
    script:
        "../scripts/simulate.py"


# What `make demo` asks for: all products, the report, and a picture.
rule demo:
    input:
        targets,
        f"{REPORTS}/report.html",
        f"{REPORTS}/demo.png",


rule picture:
    input:
        uncal=lambda wildcards: program.locate(program.pictured()[0], "uncal"),
        rate=lambda wildcards: program.locate(program.pictured()[0], "rate"),
        i2d=lambda wildcards: program.pictured()[1],
    output:
        png=f"{REPORTS}/demo.png",
    log:
        "logs/picture.log",
    benchmark:
        "benchmarks/picture.tsv"
    conda:
        "../envs/jwcal.yaml"
    script:
        "../scripts/picture.py"
