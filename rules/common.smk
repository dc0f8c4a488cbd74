# The vocabulary of the rules. The thinking lives in jwcal/workflow.py; here it is only put into Snakemake's words.
import sys

from snakemake import io as snakemake_io
from snakemake.benchmark import benchmarked
from snakemake.common import get_snakemake_searchpaths
from snakemake.exceptions import MissingRuleException, WorkflowError
from snakemake.io import _IOFile
from snakemake.logging import ColorizingTextHandler, DefaultFormatter
from snakemake.persistence import ParamsChange
from snakemake.script import PythonScript

sys.path.insert(0, workflow.basedir)

from jwcal.checksums import remember_checksums
from jwcal.errors import JwcalError
from jwcal.jobs import drop_timers, prepare_children, spare_collections
from jwcal.locks import release_stale_lock
from jwcal.messages import explain_missing, shorten_messages, write_whole
from jwcal.wildcards import spare_constraints
from jwcal.workflow import Program
from jwcal.zygote import adopt_scripts

shorten_messages(DefaultFormatter, ParamsChange)
write_whole(ColorizingTextHandler)
spare_constraints(snakemake_io)
prepare_children()
spare_collections()
if workflow.is_main_process and release_stale_lock():
    print("jwcal: took away the lock of a run that was killed", file=sys.stderr)

# Jobs on this machine are forks of a process that imports what they need while the workflow is laid out.
zygote = None
if workflow.is_main_process and workflow.nodes is None:
    zygote = adopt_scripts(PythonScript, get_snakemake_searchpaths(), benchmarked)

try:
    program = Program(config, quiet=not workflow.is_main_process)
except JwcalError as error:
    raise WorkflowError(str(error)) from None

remember_checksums(_IOFile)

PRODUCTS = program.products
REPORTS = "reports"
THREADS = program.threads(workflow.cores)


wildcard_constraints:
    exposure=r"[^/]+",


def source(suffix):
    """Input function: a product of that suffix, the archive's own or ours."""
    return lambda wildcards: program.locate(wildcards.exposure, suffix)


def references(rule):
    """Input function: reference files. Those of the CRDS cache never change under their name (so their time does not
    matter); the user's own may be edited in place."""

    def files(wildcards):
        cached, own = program.reference_files(rule, wildcards.exposure)
        return [ancient(path) for path in cached] + own

    return files


def plan(rule):
    """Params function: steps, settings, references and code of a job."""
    return lambda wildcards: program.plan(rule, wildcards.exposure)


def memory(rule):
    """Resources function: peak memory in MB."""
    return lambda wildcards: program.memory(rule, wildcards.exposure)


def runtime(rule):
    """Resources function: longest time in minutes."""
    return lambda wildcards: program.minutes(rule, wildcards.exposure)


def targets(wildcards):
    """Input function: all products that can be made."""
    try:
        return program.targets()
    except JwcalError as error:
        raise WorkflowError(str(error)) from None
