# Any step's intermediate state, on request: snakemake products/X_linearity.fits runs X's chain up to and including linearity.


rule peek:
    input:
        source=lambda w: program.peeks.source(w.exposure, w.step),
        backgrounds=lambda w: program.peeks.backgrounds(w.exposure, w.step),
        earlier=lambda w: program.peeks.windows(w.exposure, w.step),
        references=lambda w: references(program.peeks.rule(w.exposure, w.step))(w),
    output:
        product=f"{PRODUCTS}/{{exposure}}_{{step}}.fits",
    log:
        "logs/peek/{exposure}_{step}.log",
    benchmark:
        "benchmarks/peek/{exposure}_{step}.tsv"
    wildcard_constraints:
        step=program.peeks.pattern(),
    conda:
        "../envs/jwcal.yaml"
    threads: THREADS
    resources:
        mem_mb=lambda w: program.memory(
            program.peeks.rule(w.exposure, w.step), w.exposure
        ),
        runtime=lambda w: program.minutes(
            program.peeks.rule(w.exposure, w.step), w.exposure
        ),
    params:
        plan=lambda w: program.peeks.plan(w.exposure, w.step),
    script:
        "../scripts/peek.py"
