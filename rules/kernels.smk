# Numba kernels are compiled once, before the first job that needs them. Not a rule that others wait for: Snakemake 9 does not look
# for changes of jobs whose inputs, `ancient` or not, are about to be made, so an edited kernel would leave its products stale.
from jwcal.jobs import compile_first
from jwcal.zygote import list_sources


onstart:
    compile_first(job.rule.name for job in workflow.dag.needrun_jobs())
    if zygote:
        zygote.prepare(list_sources(workflow.dag.needrun_jobs()))


# By hand, for instance for the processors of a cluster's nodes: snakemake warm
rule warm:
    log:
        "logs/warm.log",
    conda:
        "../envs/jwcal.yaml"
    threads: 1
    script:
        "../scripts/warm.py"
