# Stage 2 imaging: _rate → _cal, _rateints → _calints, and the single exposure rectified: _cal → _i2d.


rule image2:
    input:
        rate=source("rate"),
        backgrounds=lambda wildcards: program.background_files(wildcards.exposure),
        references=references("image2"),
    output:
        cal=f"{PRODUCTS}/{{exposure}}_cal.fits",
    log:
        "logs/image2/{exposure}.log",
    benchmark:
        "benchmarks/image2/{exposure}.tsv"
    wildcard_constraints:
        exposure=program.pattern("image2"),
    conda:
        "../envs/jwcal.yaml"
    threads: THREADS
    resources:
        mem_mb=memory("image2"),
        runtime=runtime("image2"),
    params:
        plan=plan("image2"),
    script:
        "../scripts/image2.py"


use rule image2 as image2ints with:
    input:
        rate=source("rateints"),
        backgrounds=lambda wildcards: program.background_files(wildcards.exposure),
        references=references("image2ints"),
    output:
        cal=f"{PRODUCTS}/{{exposure}}_calints.fits",
    log:
        "logs/image2ints/{exposure}.log",
    benchmark:
        "benchmarks/image2ints/{exposure}.tsv"
    wildcard_constraints:
        exposure=program.pattern("image2ints"),
    resources:
        mem_mb=memory("image2ints"),
        runtime=runtime("image2ints"),
    params:
        plan=plan("image2ints"),


rule resample:
    input:
        cal=source("cal"),
        references=references("resample"),
    output:
        i2d=f"{PRODUCTS}/{{exposure}}_i2d.fits",
    log:
        "logs/resample/{exposure}.log",
    benchmark:
        "benchmarks/resample/{exposure}.tsv"
    wildcard_constraints:
        exposure=program.pattern("resample"),
    conda:
        "../envs/jwcal.yaml"
    threads: THREADS
    resources:
        mem_mb=memory("resample"),
        runtime=runtime("resample"),
    params:
        plan=plan("resample"),
    script:
        "../scripts/resample.py"
