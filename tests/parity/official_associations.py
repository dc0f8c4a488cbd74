"""Make and check associations with the official package, for test_associations.py.

Runs inside ``.venv-parity``: reads one JSON job from standard input, writes its answer to standard output.
``{"generate": [{"files": [names], "folder": path, "candidates": {name: [[id, kind]]}, "pool": path}]}`` makes a pool of
exposures (or, without files, writes out the pool ``template``) and answers with the associations;
``{"validate": [paths]}`` answers with the exposures that the official pipelines would read.
"""

import contextlib
import json
import logging
import os
import sys

logging.disable(logging.WARNING)


def main():
    """Do one job."""
    job = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        answer = [generate(**case) for case in job.get("generate", ())] + list(map(validate, job.get("validate", ())))
    json.dump(answer, sys.stdout)


def generate(pool, files=(), folder=None, candidates=None, template=None, discover=False):
    """Associations of exposures, or of a pool of the package's kind with counters to be filled in."""
    from jwst.associations import AssociationPool
    from jwst.associations.main import Main
    from jwst.associations.tests.helpers import combine_pools

    table = combine_pools(template) if template else make_pool(files, folder, candidates)
    table.write(pool, overwrite=True)
    options = ["--dry-run"] + ([] if discover else ["--all-candidates"])
    made = Main.cli(options, pool=AssociationPool.read(pool))
    return [{"file_name": name, **json.loads(text)} for name, text in (asn.dump() for asn in made.associations)]


def make_pool(files, folder, candidates):
    """Pool of exposures with what the package's pool maker leaves out: observations, TSO as ``t``, candidates."""
    from jwst.associations.mkpool import mkpool

    os.chdir(folder)
    table = mkpool(files)
    table["obs_num"] = table["observtn"]
    table["tsovisit"] = [str(value)[0] for value in table["tsovisit"]]
    for row in table:
        more = [tuple(pair) for pair in candidates.get(row["filename"], ())]
        row["asn_candidate"] = str([(f"o{row['observtn']}", "observation"), *more])
    return table


def validate(path):
    """Rules that an association file is valid for, and its members by product."""
    from jwst.associations import AssociationRegistry, load_asn
    from jwst.associations.load_as_asn import LoadAsAssociation, LoadAsLevel2Asn

    with open(path) as file:
        rules = AssociationRegistry().validate(load_asn(file))
    loader = LoadAsLevel2Asn if "image2" in path else LoadAsAssociation
    loaded = loader.load(path)
    products = {p["name"]: [[m["expname"], m["exptype"]] for m in p["members"]] for p in loaded["products"]}
    return {"rules": len(rules), "singleton": str(loaded.filename) == "singleton", "products": products}


if __name__ == "__main__":
    main()
