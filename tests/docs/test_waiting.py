"""No test waits for a wall-clock time: a slow machine is waited for as long as something moves.

What hangs is told by pytest's `faulthandler_timeout`, which fails nothing.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests", "clients/python/tests")
SLEEPS = {"time.sleep", "asyncio.sleep", "asyncio.wait_for", "asyncio.timeout"}
# Each has a time of its own unless it is told to have none.
HASTY = {f"httpx.{name}" for name in ("get", "post", "put", "delete", "Client", "AsyncClient")}
HASTY |= {"httpx2.Client", "httpx2.AsyncClient", "stripe.RequestsClient"}
BOUNDS = {"timeout", "rpc_timeout"}
LIMITED = {"wait", "join", "result", "settimeout"}  # methods whose one argument is a time


def _is(node: ast.expr, *values: object) -> bool:
    return isinstance(node, ast.Constant) and node.value in values


def _faults(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    method = name.rpartition(".")[2] if isinstance(call.func, ast.Attribute) else ""
    if name in SLEEPS and not (name == "asyncio.sleep" and _is(call.args[0], 0)):
        yield f"{name}: look until it is so (local/patience.py)"
    for keyword in call.keywords:
        if keyword.arg in BOUNDS and not _is(keyword.value, None):
            yield f"{keyword.arg}={ast.unparse(keyword.value)}: wait as long as it takes"
    given = {keyword.arg for keyword in call.keywords}
    if name in HASTY and not given & {"timeout", "transport"}:
        yield f"{name} gives up by itself: timeout=None"
    sent = (*call.args, *(keyword.value for keyword in call.keywords))
    if method in {"fault", "post"} and any(_is(one, "slow") for one in sent):
        yield "a request that takes seconds: hold it until it is seen (tests/payer.py)"
    joins = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Constant)
    if method in LIMITED and not joins and any(map(_is_time, call.args)):
        yield f"{name}({ast.unparse(call.args[0])}): wait as long as it takes"


def _is_time(node: ast.expr) -> bool:
    """Say whether an argument is a number or the name of one."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float)
    return isinstance(node, ast.Name) and node.id.isupper()


def faults_in(source: str) -> list[str]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [f"line {call.lineno}: {fault}" for call in calls for fault in _faults(call)]


def test_no_test_waits_for_a_wall_clock_time():
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    files.remove(Path(__file__))
    found = {str(path.relative_to(ROOT)): faults_in(path.read_text()) for path in files}

    assert len(found) > 150
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_rule_sees_what_it_is_about():
    bad = """
time.sleep(1)
await asyncio.sleep(0.01)
await asyncio.wait_for(work, 20)
async with asyncio.timeout(20): pass
subprocess.run([], timeout=60)
handle.query("status", rpc_timeout=LIMIT)
httpx.AsyncClient(base_url=url)
event.wait(20)
thread.join(LIMIT)
customer.fault("slow", seconds=2)
standin.post("/_fault", fault="slow", seconds=2)
"""
    good = """
await asyncio.sleep(0)
event.wait()
", ".join(LINES)
httpx.AsyncClient(timeout=None)
httpx.AsyncClient(transport=transport)
await asyncio.wait(tasks)
wait_until(written, 60, "the stack")
"""
    assert len(faults_in(bad)) == 11
    assert faults_in(good) == []
