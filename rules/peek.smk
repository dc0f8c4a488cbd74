# Any step's intermediate state, on request: snakemake products/X_linearity.fits runs X's chain up to and including linearity.


rule peek:
    input:
        source=lambda w: program.peek_input(w.exposure, w.step),
        backgrounds=lambda w: program.peek_backgrounds(w.exposure, w.step),
        earlier=lambda w: program.peek_windows(w.exposure, w.step),
        references=lambda w: references(program.peek_rule(w.exposure, w.step))(w),
    output:
        product=f"{PRODUCTS}/{{exposure}}_{{step}}.fits",
    log:
        "logs/peek/{exposure}_{step}.log",
    benchmark:
        "benchmarks/peek/{exposure}_{step}.tsv"
    wildcard_constraints:
        step=program.peek_pattern(),
    conda:
        "../envs/jwcal.yaml"
    threads: THREADS
    resources:
        mem_mb=lambda w: program.memory(
            program.peek_rule(w.exposure, w.step), w.exposure
        ),
        runtime=lambda w: program.minutes(
            program.peek_rule(w.exposure, w.step), w.exposure
        ),
    params:
        plan=lambda w: program.peek_plan(w.exposure, w.step),
    script:
        "../scripts/peek.py"
