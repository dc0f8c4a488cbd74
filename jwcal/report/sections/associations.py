"""Which exposures went into which product."""

TITLE = "Associations"
MOST = 400  # associations that are listed with their members
SHOWN = ("i2d", "cat", "segm")


def gather(evidence):
    """The tree: associations, their products, their members, what is known of each.

    Parameters
    ----------
    evidence : jwcal.report.evidence.Evidence
        Facts of the run.

    Returns
    -------
    dict or None
        None where there is no association.
    """
    products = [(content, product) for content in evidence.associations for product in content["products"]]
    if not products:
        return None
    trees = [_describe(content, product, evidence) for content, product in products[:MOST]]
    used = {member["name"] for tree in trees for member in tree["members"]}
    return {"trees": trees, "left": len(products) - len(trees), "unused": sorted(set(evidence.exposures) - used)[:200]}


def _describe(content, product, evidence):
    """One product of an association."""
    name = product["name"]
    files = evidence.run.mosaics.get(name, {})
    solution = evidence.alignments.get(name, {}).get("members", {})
    members = [_describe_member(member, name, solution, evidence) for member in product.get("members", ())]
    return {
        "name": name,
        "type": content.get("asn_type", ""),
        "rule": content.get("asn_rule", ""),
        "id": content.get("asn_id", ""),
        "products": [{"suffix": suffix, "there": suffix in files} for suffix in SHOWN] if _is_third(content) else [],
        "members": members,
    }


def _is_third(content):
    return str(content.get("asn_type", "")).endswith("3")


def _describe_member(member, association, solution, evidence):
    """One exposure: its role, its products, how far it was moved, its sky, its outliers."""
    name, _, suffix = str(member.get("expname", "")).rpartition("/")[2].removesuffix(".fits").rpartition("_")
    files, entry = evidence.run.exposures.get(name, {}), solution.get(name, {})
    facts = []
    if isinstance(entry.get("moved"), (int, float)):
        facts.append(f"moved {1000 * entry['moved']:.1f} mas")
    elif entry.get("status") == "SKIPPED":
        facts.append("not aligned")
    level = evidence.skies.get(association, {}).get(name, {}).get("level")
    if isinstance(level, (int, float)):
        facts.append(f"sky {level:.4g}")
    if name in evidence.outliers.get(association, {}):
        facts.append(f"{evidence.outliers[association][name]} outliers")
    present = [s for s in ("uncal", "rate", "cal", "crf") if s in files]
    return {"name": name or suffix, "role": member.get("exptype", "science"), "files": present, "facts": facts}
