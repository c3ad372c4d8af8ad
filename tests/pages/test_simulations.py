"""A price is tried by those who may; what cannot be tried says why, and nothing is started."""

import os
import re
from datetime import date
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError

from api.pages.operator.trying import drafts, simulator
from catalogs.reader import read_catalog
from domain.access.operators import OperatorRole
from domain.pricing.simulation import (
    MOST_SOURCE,
    FigureTable,
    Heading,
    LivedMonth,
    LivedSide,
    SimulationOrder,
    SimulationOutcome,
)
from local.patience import until
from local.simulations.serving import worker
from tests.pages.forms import forms_of
from tests.pages.inside import in_this_process
from tests.pages.operators import entered
from tests.screenless import screenless
from workflows import names

MAKE = (Path(__file__).parents[2] / "catalogs" / "make.yaml").read_text()
PAGE = "/operator/simulations"
CORE = {"list": "make", "plan": "core_10k"}
USUAL = {"months": "1", "customers": "1", "shape": "steady", "seed": "1"}


@pytest.fixture
async def served(fleet):
    """A simulator takes what is asked for; it is busy, so that each waits."""
    async with worker(fleet.client, os.environ, activities=[]):
        yield


async def form_of(web):
    page = await web.get(PAGE, params=CORE)
    return forms_of(page, f"{PAGE}/fields")[0] | USUAL


def run_of(answer):
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("=")[2]


async def test_a_form_starts_one_simulation_however_often_it_is_sent(fleet, web, served):
    operator = await entered(fleet, web, OperatorRole.FINANCE)
    form = await form_of(web) | {"set.price": "12.00"}
    run = run_of(await web.post(f"{PAGE}/fields", data=form))
    assert run_of(await web.post(f"{PAGE}/fields", data=form)) == run
    assert run_of(await web.post(f"{PAGE}/fields", data=form | {"set.price": "13.00"})) != run
    page = await web.get(PAGE, params={"run": run})
    assert "price $9.00 → $12.00" in page.text
    assert operator.email in page.text
    assert "data-waiting" in page.text
    other = run_of(await web.post(f"{PAGE}/fields", data=form | {"set.price": "13.00"}))
    for one in (run, other):
        ended = forms_of(await web.get(PAGE, params={"run": one}), f"{PAGE}/end")[0]
        assert run_of(await web.post(f"{PAGE}/end", data=ended)) == one

        async def look(one=one):
            return (await web.get(PAGE, params={"run": one})).text

        await until(look, lambda text: "An operator ended it." in text, "its end", sign=len)


async def test_where_no_simulator_runs_the_page_says_what_cures_it(
    fleet, door_variables, monkeypatch
):
    monkeypatch.setattr(names, "SIMULATIONS", "served-by-nobody")
    async with in_this_process(door_variables) as (web, _):
        await entered(fleet, web, OperatorRole.ADMIN)
        page = await web.get(PAGE, params=CORE)
        assert "No simulator is running" in page.text
        assert "python cli.py simulations" in page.text
        refused = await web.post(f"{PAGE}/fields", data=await form_of(web))
    assert refused.status_code == 503
    assert "Start `python cli.py simulations`" in refused.text


async def test_no_more_are_started_than_may_be_under_way(
    fleet, door_variables, monkeypatch, served
):
    monkeypatch.setattr(simulator, "MOST_RUNNING", 0)
    async with in_this_process(door_variables) as (web, _):
        await entered(fleet, web)
        refused = await web.post(f"{PAGE}/fields", data=await form_of(web))
    assert refused.status_code == 429
    assert "Wait until one has ended, or end one." in refused.text


async def test_a_wrong_value_is_told_with_its_line_and_starts_nothing(fleet, web):
    await entered(fleet, web)
    form = await form_of(web)
    answer = await web.post(f"{PAGE}/fields", data=form | {"set.price": "<script>1"})
    assert answer.status_code == 422
    assert re.search(r"draft\.yaml:\d+: plans\[2\]\.price: ", answer.text)
    assert "<script>1" not in answer.text
    assert "&lt;script&gt;1" in answer.text  # what was typed is still there


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("name: [", "draft.yaml:1: is not YAML"),
        ("", "must be a mapping"),
        ("name: x\nbrand: <script>", "draft.yaml:"),
        ("a: &a 1\nb: *a", "draft.yaml:2: write it out"),
        ("#" * (MOST_SOURCE + 1), "65,536 characters"),
    ],
    ids=("no-yaml", "nothing", "script", "alias", "large"),
)
async def test_a_list_that_cannot_be_read_says_why(fleet, web, typed, told):
    await entered(fleet, web)
    answer = await web.post(f"{PAGE}/yaml", data=await form_of(web) | {"yaml": typed})
    assert answer.status_code == 422
    assert told in answer.text
    assert "<script>" not in answer.text.partition("<main")[2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"months": "25"},
        {"months": "-1"},
        {"customers": "6"},
        {"customers": "9" * 50},
        {"seed": "x"},
        {"shape": "<script>"},
        {"volume": "1e9"},
        {"volume": "-4"},
        {"list": "<script>"},
    ],
    ids=lambda wrong: "-".join(*wrong.items())[:20],
)
async def test_what_is_beyond_the_bounds_is_refused(fleet, web, wrong):
    await entered(fleet, web)
    answer = await web.post(f"{PAGE}/fields", data=await form_of(web) | wrong)
    assert answer.status_code in (404, 422), answer.text
    assert "<script>" not in answer.text.partition("<main")[2]


async def test_support_looks_and_tries_nothing(fleet, web, door_url):
    await entered(fleet, web)
    form = await form_of(web)
    async with screenless(base_url=door_url) as other:
        await entered(fleet, other, OperatorRole.SUPPORT)
        page = await other.get(PAGE, params=CORE)
        assert page.status_code == 200
        assert forms_of(page, f"{PAGE}/fields") == []
        health = forms_of(await other.get("/operator/health"), "/operator/health/settle")
        tokens = [form["csrf"], *(one["csrf"] for one in health[:1])]
        for token in tokens:
            sent = await other.post(f"{PAGE}/fields", data=form | {"csrf": token})
            assert sent.status_code == 404


async def test_a_form_without_the_sessions_token_starts_nothing(fleet, web):
    await entered(fleet, web)
    form = await form_of(web)
    for token in ("", "x", form["csrf"][::-1]):
        assert (await web.post(f"{PAGE}/fields", data=form | {"csrf": token})).status_code == 404


async def test_what_nobody_has_asked_for_is_unknown(fleet, web):
    await entered(fleet, web)
    for key in ("0" * 32, "<script>", "x" * 3_000, "\x00"):
        answer = await web.get(PAGE, params={"run": key})
        assert answer.status_code == 404, key
        assert "<script>" not in answer.text


def an_outcome(text, **of_month):
    facts = {"charged_minor": 900, "breakage_minor": 0, "events": 3, "refused": 1}
    month = LivedMonth(start=date(2027, 1, 1), **(facts | of_month))
    side = LivedSide(text, text, "USD", (month,), refusals=text, notes=(text,))
    table = FigureTable(text, (Heading("month", is_number=False),), ((text,),))
    return SimulationOutcome(text, (side,), (table,))


async def ended_by(fleet, web, answer):
    """Try the plan as it is sold where a worker answers so; return the page of its end."""

    @activity.defn(name="simulate")
    async def simulate(order: SimulationOrder) -> SimulationOutcome:
        assert len(order.sides) == 1
        return answer()

    async with worker(fleet.client, os.environ, activities=[simulate]):
        await entered(fleet, web)
        run = run_of(await web.post(f"{PAGE}/fields", data=await form_of(web)))

        async def look():
            return (await web.get(PAGE, params={"run": run})).text

        return await until(look, lambda text: "data-waiting" not in text, "its end", sign=len)


async def test_whatever_a_worker_answers_is_shown_as_text(fleet, web):
    shown = await ended_by(fleet, web, lambda: an_outcome("<script>alert(1)"))
    main = shown.partition("<main")[2]
    assert "<script>" not in main
    assert main.count("&lt;script&gt;alert(1)") > 6
    assert "Charged in the month" in main
    assert "Most: $9.00" in main
    assert "Paid for credits that expired unused" not in main  # nothing was
    assert "the plan was tried as it is sold" in main


async def test_nothing_charged_is_a_chart_without_bars(fleet, web):
    shown = await ended_by(fleet, web, lambda: an_outcome("free", charged_minor=0, refused=0))
    assert "Most: $0.00" in shown
    assert "<rect" not in shown


async def test_what_came_to_nothing_says_why(fleet, web):
    def refuse():
        raise ApplicationError("no <script>", type="invalid_usage", non_retryable=True)

    shown = await ended_by(fleet, web, refuse)
    assert "It came to nothing" in shown
    assert "no &lt;script&gt;" in shown
    listed = await web.get(PAGE)
    assert ">failed</span>" in listed.text


def asked_for(page):
    return set(re.findall(r'name="(\w+)"', page.text))


TAXED = {"list": "schematic", "plan": "launch_taxed"}


async def test_a_taxed_plan_is_tried_where_its_customers_are(fleet, web, served):
    await entered(fleet, web)
    page = await web.get(PAGE, params=TAXED)
    form = forms_of(page, f"{PAGE}/fields")[0] | USUAL
    assert {"place", "coupon", "by_debit"} <= asked_for(page)
    without = await web.post(f"{PAGE}/fields", data=form)
    assert without.status_code == 422
    assert "say where, such as GB or US-NY" in without.text
    payer = {"place": "us-ny", "by_debit": "1"}
    nobody = await web.post(f"{PAGE}/fields", data=form | payer | {"coupon": "STRANGE"})
    assert (nobody.status_code, "There is no such coupon." in nobody.text) == (404, True)

    run = run_of(await web.post(f"{PAGE}/fields", data=form | payer))
    shown = await web.get(PAGE, params={"run": run})
    assert "in US-NY" in shown.text
    assert "they pay from a bank account" in shown.text
    ended = forms_of(shown, f"{PAGE}/end")[0]
    assert run_of(await web.post(f"{PAGE}/end", data=ended)) == run


async def test_what_a_list_lacks_is_not_asked_for(fleet, web):
    await entered(fleet, web)
    page = await web.get(PAGE, params=CORE)
    assert not {"place", "coupon", "currency", "by_debit"} & asked_for(page)
    page = await web.get(PAGE, params={"list": "make_world", "plan": "core_10k"})
    form = forms_of(page, f"{PAGE}/fields")[0] | USUAL
    assert "currency" in asked_for(page)
    assert not {"place", "coupon"} & asked_for(page)
    wrong = await web.post(f"{PAGE}/fields", data=form | {"currency": "GBP"})
    assert wrong.status_code == 422


async def test_customers_change_plans_on_the_day_that_is_chosen(fleet, web, served):
    await entered(fleet, web)
    page = await web.get(PAGE, params=CORE)
    day = re.search(r'name="change_on" type="date" value="([^"]+)"', page.text)[1]
    begins = date.fromisoformat(day).replace(month=1, day=1)
    form = forms_of(page, f"{PAGE}/fields")[0] | USUAL
    form |= {"months": "3", "change": "core_80k", "change_on": day}

    never = await web.post(f"{PAGE}/fields", data=form | {"change_on": "soon"})
    assert (never.status_code, "choose its day" in never.text) == (422, True)
    for other in (begins, begins.replace(month=4)):
        outside = await web.post(f"{PAGE}/fields", data=form | {"change_on": other.isoformat()})
        assert (outside.status_code, "within the months" in outside.text) == (422, True)
    unknown = await web.post(f"{PAGE}/fields", data=form | {"change": "gigantic"})
    assert unknown.status_code == 404

    run = run_of(await web.post(f"{PAGE}/fields", data=form))
    shown = await web.get(PAGE, params={"run": run})
    assert f"to core_80k on {day}" in shown.text
    ended = forms_of(shown, f"{PAGE}/end")[0]
    assert run_of(await web.post(f"{PAGE}/end", data=ended)) == run


async def test_names_of_a_list_are_shown_as_text(fleet, door_variables, tmp_path):
    named = MAKE.replace("name: Core 10,000\n", 'name: "<script>plan"\n')
    named = named.replace("name: Operation\n", 'name: "<script>action"\n')
    (tmp_path / "make.yaml").write_text(named)
    async with in_this_process({**door_variables, "DRAWDOWN_CATALOGS": str(tmp_path)}) as (web, _):
        await entered(fleet, web)
        page = await web.get(PAGE, params=CORE)
    assert "&lt;script&gt;plan" in page.text
    assert "&lt;script&gt;action" in page.text
    assert "<script>" not in page.text.partition("<main")[2]


def test_a_draft_tells_in_words_what_it_changes():
    make = read_catalog(MAKE)
    plan = make.plan("core_10k")
    fields = {one.name: one.value for one in drafts.fields_of(MAKE, make, plan)}
    assert fields == {
        "set.price": "9.00",
        "set.included.0": "10000",
        "set.unit": "1000",
        "set.auto.unit": "10000",
        "set.auto.surcharge": "30",
    }
    assert drafts.from_form(MAKE, make, plan, fields).changes == ()
    found = drafts.from_form(MAKE, make, plan, {**fields, "set.auto.surcharge": "20"})
    assert found.changes == ("plan core_10k version 1: auto surcharge percent 30 → 20",)
    assert drafts.from_yaml(MAKE.replace("\n", "\r\n"), make).source == MAKE
