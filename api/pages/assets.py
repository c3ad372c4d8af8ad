"""The consoles' stylesheet and script: named by their content, so that browsers keep them."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.errors import NotFoundError

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "pages" / "assets"
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
EMBED = "embed.js"  # products' pages name it, so its address does not change
FOR_ALL = {
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
FOR_EVER = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served; `name` changes with its content."""

    name: str
    kind: str
    content: bytes


@cache
def all_assets() -> dict[str, Asset]:
    """Return the assets by their file's name."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in KINDS}


def address_of(file: str) -> str:
    """Return the address of a file, for templates."""
    return f"/assets/{all_assets()[file].name}"


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(f"{path.stem}.{digest}{path.suffix}", KINDS[path.suffix], content)


async def _serve(request: Request) -> Response:
    wanted = request.path_params["name"]
    if wanted == EMBED:
        return Response(all_assets()[EMBED].content, media_type=KINDS[".js"], headers=FOR_ALL)
    found = next((one for one in all_assets().values() if one.name == wanted), None)
    if found is None:
        raise NotFoundError("not_found", "there is no such file")
    return Response(found.content, media_type=found.kind, headers=FOR_EVER)


ROUTES = [Route("/assets/{name}", _serve, methods=["GET"])]
