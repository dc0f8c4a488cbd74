# Stage 2 imaging: _rate → _cal, _rateints → _calints, and the single exposure rectified: _cal → _i2d.


rule image2:
    input:
        rate=source("rate"),
        backgrounds=lambda wildcards: program.background_files(wildcards.exposure),
        references=references("image2"),
        kernels=ancient(KERNELS),
    output:
        cal=f"{PRODUCTS}/{{exposure}}_cal.fits",
    params:
        plan=plan("image2"),
    wildcard_constraints:
        exposure=program.pattern("image2"),
    log:
        "logs/image2/{exposure}.log",
    benchmark:
        "benchmarks/image2/{exposure}.tsv"
    threads: THREADS
    resources:
        mem_mb=memory("image2"),
        runtime=20,
    conda:
        "../envs/jwcal.yaml"
    script:
        "../scripts/image2.py"


use rule image2 as image2ints with:
    input:
        rate=source("rateints"),
        backgrounds=lambda wildcards: program.background_files(wildcards.exposure),
        references=references("image2ints"),
        kernels=ancient(KERNELS),
    output:
        cal=f"{PRODUCTS}/{{exposure}}_calints.fits",
    params:
        plan=plan("image2ints"),
    wildcard_constraints:
        exposure=program.pattern("image2ints"),
    log:
        "logs/image2ints/{exposure}.log",
    benchmark:
        "benchmarks/image2ints/{exposure}.tsv"
    resources:
        mem_mb=memory("image2ints"),
        runtime=20,


rule resample:
    input:
        cal=source("cal"),
        kernels=ancient(KERNELS),
    output:
        i2d=f"{PRODUCTS}/{{exposure}}_i2d.fits",
    params:
        plan=plan("resample"),
    wildcard_constraints:
        exposure=program.pattern("resample"),
    log:
        "logs/resample/{exposure}.log",
    benchmark:
        "benchmarks/resample/{exposure}.tsv"
    threads: THREADS
    resources:
        mem_mb=memory("resample"),
        runtime=20,
    conda:
        "../envs/jwcal.yaml"
    script:
        "../scripts/resample.py"
