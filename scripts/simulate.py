"""The demo program: simulated raw exposures and the CRDS cache that calibrates them."""

from jwcal.jobs import run


def simulate(spec, raw, cache, done):
    """Simulate the program that a YAML file describes.

    Parameters
    ----------
    spec : str
        The program (config/demo.yaml).
    raw, cache : str
        Folders of the raw exposures and of the CRDS cache.
    done : str
        List of the files written.
    """
    from pathlib import Path

    import yaml

    from jwcal.simulate import simulate_program

    files = simulate_program(yaml.safe_load(Path(spec).read_text()), raw, cache)
    Path(done).write_text("".join(f"{path}\n" for path in files))


if "snakemake" in globals():
    run(globals()["snakemake"], simulate)
