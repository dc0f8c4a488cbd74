# Numba kernels are compiled once, before the first job that needs them. Not a rule that others wait for: Snakemake 9 does not look
# for changes of jobs whose inputs, `ancient` or not, are about to be made, so an edited kernel would leave its products stale.
from jwcal.checksums import foresee_checksums
from jwcal.jobs import compile_first
from jwcal.zygote import list_sources


onstart:
    needed = list(workflow.dag.needrun_jobs())
    compile_first(job.rule.name for job in needed)
    if zygote:
        zygote.prepare(list_sources(needed))
        limit = getattr(workflow.persistence, "max_checksum_file_size", None)
        if limit:
            zygote.beside = foresee_checksums(
                (file for job in needed for file in job.input), limit
            )


# By hand, for instance for the processors of a cluster's nodes: snakemake warm
rule warm:
    log:
        "logs/warm.log",
    conda:
        "../envs/jwcal.yaml"
    threads: 1
    script:
        "../scripts/warm.py"
