"""Pages, one module each with its `router`. Found by name: a module put here is served."""

import pkgutil
from importlib import import_module

from fastapi import APIRouter


def routers() -> list[APIRouter]:
    """Return the routers of all pages, by module name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [import_module(f"{__name__}.{name}").router for name in names]
