# The demo program: simulated raw exposures and the miniature CRDS cache that calibrates them. Not part of `all`.


localrules:
    simulate,


rule simulate:
    input:
        spec=f"{workflow.basedir}/config/demo.yaml",
    output:
        done=".jwcal/simulated.txt",
    params:
        raw=program.settings.raw,
        cache="crds_cache",
    log:
        "logs/simulate.log",
    benchmark:
        "benchmarks/simulate.tsv"
    threads: workflow.cores or 1
    conda:
        "../envs/jwcal.yaml"
    script:
        "../scripts/simulate.py"
