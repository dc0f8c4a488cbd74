# Stage 1: _uncal → _rate (and _rateints where there are several integrations); guider _uncal → _cal.


rule detector1:
    input:
        uncal=source("uncal"),
        references=references("detector1"),
        kernels=ancient(KERNELS),
    output:
        rate=f"{PRODUCTS}/{{exposure}}_rate.fits",
    params:
        plan=plan("detector1"),
    wildcard_constraints:
        exposure=program.pattern("detector1", several_integrations=False),
    log:
        "logs/detector1/{exposure}.log",
    benchmark:
        "benchmarks/detector1/{exposure}.tsv"
    threads: THREADS
    resources:
        mem_mb=memory("detector1"),
        runtime=20,
    conda:
        "../envs/jwcal.yaml"
    script:
        "../scripts/detector1.py"


use rule detector1 as detector1ints with:
    output:
        rate=f"{PRODUCTS}/{{exposure}}_rate.fits",
        rateints=f"{PRODUCTS}/{{exposure}}_rateints.fits",
    wildcard_constraints:
        exposure=program.pattern("detector1", several_integrations=True),


rule dark:
    input:
        uncal=source("uncal"),
        references=references("dark"),
        kernels=ancient(KERNELS),
    output:
        product=f"{PRODUCTS}/{{exposure}}_dark.fits",
    params:
        plan=plan("dark"),
    wildcard_constraints:
        exposure=program.pattern("dark"),
    log:
        "logs/dark/{exposure}.log",
    benchmark:
        "benchmarks/dark/{exposure}.tsv"
    threads: THREADS
    resources:
        mem_mb=memory("dark"),
        runtime=20,
    conda:
        "../envs/jwcal.yaml"
    script:
        "../scripts/dark.py"


rule guider:
    input:
        uncal=source("uncal"),
        references=references("guider"),
        kernels=ancient(KERNELS),
    output:
        product=f"{PRODUCTS}/{{exposure}}_cal.fits",
    params:
        plan=plan("guider"),
    wildcard_constraints:
        exposure=program.pattern("guider"),
    log:
        "logs/guider/{exposure}.log",
    benchmark:
        "benchmarks/guider/{exposure}.tsv"
    threads: THREADS
    resources:
        mem_mb=memory("guider"),
        runtime=10,
    conda:
        "../envs/jwcal.yaml"
    script:
        "../scripts/guider.py"
