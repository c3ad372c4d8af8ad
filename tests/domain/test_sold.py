"""What an invoice says that it sold is read whole and exactly, or not at all."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments.charges import ChargeKind, Sold
from domain.payments.sold import PaidSale, as_metadata, deviation, lasts, parse_sale, surcharge_of
from tests.price_lists import shipped

CATALOGS = shipped()
MAKE, SALESTOOLS = CATALOGS["make"].plan("core_10k"), CATALOGS["salestools"].plan("starter")
WORDS = {ChargeKind.MANUAL: "manual", ChargeKind.PACK: "pack", ChargeKind.AUTO: "auto"}
MANUAL = PaidSale(
    ChargeKind.MANUAL, Sold("make", "core_10k", MAKE.version, 3_000_000_000), 270, "USD"
)
AUTO = replace(
    MANUAL,
    kind=ChargeKind.AUTO,
    sold=replace(MANUAL.sold, quantity_micro=10_000_000_000),
    amount_minor=1170,
)
PACK = PaidSale(
    ChargeKind.PACK,
    Sold(
        catalog="salestools",
        plan_id="starter",
        version=SALESTOOLS.version,
        quantity_micro=1_000_000_000,
        pack_id="pack_500",
        count=2,
    ),
    5000,
    "USD",
)
SALES = ((MANUAL, MAKE), (AUTO, MAKE), (PACK, SALESTOOLS))


def written(sale: PaidSale) -> dict[str, str]:
    """Return the metadata of a sale's invoice."""
    ids = {"charge_id": f"sub-1:{WORDS[sale.kind]}:1", "customer_id": "acme"}
    ids |= {"subscription_id": "sub-1", "kind": sale.kind.value}
    return ids | as_metadata(sale.kind, sale.sold, sale.amount_minor)


@pytest.mark.parametrize("sale", [MANUAL, AUTO, PACK])
def test_what_is_written_is_read_back_within_the_processors_limits(sale):
    metadata = written(sale)
    assert parse_sale(metadata, sale.amount_minor, "USD") == sale
    assert parse_sale(metadata | {"somebody": "noted this"}, sale.amount_minor, "USD") == sale
    assert len(metadata) <= 50
    assert all(len(name) <= 40 and len(value) <= 500 for name, value in metadata.items())


@pytest.mark.parametrize("sale", [MANUAL, AUTO, PACK])
def test_without_any_part_of_it_nothing_is_read(sale):
    metadata = written(sale)
    for name in metadata.keys() - {"customer_id"}:
        left = {one: value for one, value in metadata.items() if one != name}
        assert parse_sale(left, sale.amount_minor, "USD") is None, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "period"),
        ("kind", "upgrade"),
        ("kind", "pack"),
        ("charge_id", "sub-2:manual:1"),
        ("charge_id", "sub-1:auto:1"),
        ("subscription_id", ""),
        ("plan_version", "0"),
        ("plan_version", "1.0"),
        ("credits_micro", "03000000000"),
        ("credits_micro", "-3000000000"),
        ("credits_micro", "٣"),
        ("credits_micro", "1" * 30),
        ("amount_minor", "271"),
        ("amount_minor", " 270"),
        ("catalog", ""),
        ("plan", ""),
    ],
)
def test_what_is_bent_is_not_read(name, value):
    assert parse_sale(written(MANUAL) | {name: value}, 270, "USD") is None


def test_more_packs_than_are_sold_at_once_are_not_read():
    for count in ("0", "1001", "-1", "two"):
        assert parse_sale(written(PACK) | {"packs": count}, 5000, "USD") is None


def test_a_period_and_an_upgrade_and_what_is_too_long_say_nothing():
    assert as_metadata(ChargeKind.PERIOD, MANUAL.sold, 900) == {}
    assert as_metadata(ChargeKind.UPGRADE, MANUAL.sold, 900) == {}
    assert as_metadata(ChargeKind.MANUAL, None, 900) == {}
    long = replace(PACK.sold, pack_id="p" * 501)
    assert as_metadata(ChargeKind.PACK, long, 900) == {}


@given(st.dictionaries(st.sampled_from(sorted(written(PACK))), st.text(max_size=30)))
def test_any_metadata_is_read_whole_or_not_at_all(bent):
    metadata = written(PACK) | bent
    sale = parse_sale(metadata, 5000, "USD")
    assert sale is None or as_metadata(sale.kind, sale.sold, 5000).items() <= metadata.items()


@pytest.mark.parametrize(("sale", "plan"), SALES)
def test_what_the_price_list_sells_at_its_price_is_what_it_is(sale, plan):
    assert deviation(sale, plan) == ""


@pytest.mark.parametrize(("sale", "plan"), SALES)
def test_anything_else_is_named(sale, plan):
    others = (
        (replace(sale, amount_minor=sale.amount_minor - 1), plan),
        (replace(sale, currency="EUR"), plan),
        (replace(sale, sold=replace(sale.sold, quantity_micro=sale.sold.quantity_micro + 1)), plan),
        (replace(sale, sold=replace(sale.sold, version=99)), plan),
        (sale, replace(plan, version=99)),
        (sale, replace(plan, price_minor=0, manual=None, auto=None, packs=())),
    )
    for other, listed in others:
        assert deviation(other, listed), (other, listed)


def test_a_pack_counts_as_it_is_sold():
    three = replace(PACK, sold=replace(PACK.sold, count=3))
    unknown = replace(PACK, sold=replace(PACK.sold, pack_id="pack_501"))
    assert deviation(three, SALESTOOLS) == deviation(unknown, SALESTOOLS) != ""


def test_the_surcharge_and_what_lasts_are_the_price_lists():
    assert [surcharge_of(sale, plan) for sale, plan in SALES] == [0, 270, 0]
    assert [lasts(sale, plan) for sale, plan in SALES] == [False, False, True]
