# Stage 1: _uncal → _rate (and _rateints where there are several integrations); guider _uncal → _cal.


rule detector1:
    input:
        uncal=source("uncal"),
        earlier=lambda w: program.handover.inherited_windows("detector1", w.exposure),
        references=references("detector1"),
    output:
        rate=f"{PRODUCTS}/{{exposure}}_rate.fits",
    log:
        "logs/detector1/{exposure}.log",
    benchmark:
        "benchmarks/detector1/{exposure}.tsv"
    wildcard_constraints:
        exposure=program.pattern("detector1", several_integrations=False),
    conda:
        "../envs/jwcal.yaml"
    threads: THREADS
    resources:
        mem_mb=memory("detector1"),
        runtime=runtime("detector1"),
    params:
        plan=plan("detector1"),
    script:
        "../scripts/detector1.py"


use rule detector1 as detector1ints with:
    output:
        rate=f"{PRODUCTS}/{{exposure}}_rate.fits",
        rateints=f"{PRODUCTS}/{{exposure}}_rateints.fits",
    wildcard_constraints:
        exposure=program.pattern("detector1", several_integrations=True),


# Where persistence is carried over: the windows that an exposure leaves open, an input of the next one of its detector.
# Time series hand them on, too, though they are not flagged themselves.
rule windows:
    input:
        uncal=source("uncal"),
        earlier=lambda w: program.handover.earlier_windows(w.exposure),
        references=lambda w: references(program.handover.rule(w.exposure))(w),
    output:
        product=f"{PRODUCTS}/{{exposure}}_persistence.asdf",
    log:
        "logs/windows/{exposure}.log",
    benchmark:
        "benchmarks/windows/{exposure}.tsv"
    wildcard_constraints:
        exposure=program.handover.pattern(),
    conda:
        "../envs/jwcal.yaml"
    threads: THREADS
    resources:
        mem_mb=memory("detector1"),
        runtime=runtime("detector1"),
    params:
        plan=lambda w: program.handover.plan(w.exposure),
    script:
        "../scripts/windows.py"


rule dark:
    input:
        uncal=source("uncal"),
        earlier=lambda w: program.handover.inherited_windows("dark", w.exposure),
        references=references("dark"),
    output:
        product=f"{PRODUCTS}/{{exposure}}_dark.fits",
    log:
        "logs/dark/{exposure}.log",
    benchmark:
        "benchmarks/dark/{exposure}.tsv"
    wildcard_constraints:
        exposure=program.pattern("dark"),
    conda:
        "../envs/jwcal.yaml"
    threads: THREADS
    resources:
        mem_mb=memory("dark"),
        runtime=runtime("dark"),
    params:
        plan=plan("dark"),
    script:
        "../scripts/dark.py"


rule guider:
    input:
        uncal=source("uncal"),
        references=references("guider"),
    output:
        product=f"{PRODUCTS}/{{exposure}}_cal.fits",
    log:
        "logs/guider/{exposure}.log",
    benchmark:
        "benchmarks/guider/{exposure}.tsv"
    wildcard_constraints:
        exposure=program.pattern("guider"),
    conda:
        "../envs/jwcal.yaml"
    threads: THREADS
    resources:
        mem_mb=memory("guider"),
        runtime=runtime("guider"),
    params:
        plan=plan("guider"),
    script:
        "../scripts/guider.py"
