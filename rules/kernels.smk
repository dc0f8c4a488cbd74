# Numba kernels are compiled once, in one job that all others wait for.
from jwcal.digests import kernel_digest


localrules:
    warm,


rule warm:
    output:
        warmed=KERNELS,
    log:
        "logs/warm.log",
    benchmark:
        "benchmarks/warm.tsv"
    conda:
        "../envs/jwcal.yaml"
    threads: 1
    params:
        kernels=kernel_digest(),
    script:
        "../scripts/warm.py"
