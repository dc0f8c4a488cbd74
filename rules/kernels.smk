# Numba kernels are compiled once, in one job that all others wait for.
from jwcal.digests import kernel_digest


localrules:
    warm,


rule warm:
    output:
        warmed=KERNELS,
    params:
        kernels=kernel_digest(),
    log:
        "logs/warm.log",
    benchmark:
        "benchmarks/warm.tsv"
    threads: 1
    conda:
        "../envs/jwcal.yaml"
    script:
        "../scripts/warm.py"
