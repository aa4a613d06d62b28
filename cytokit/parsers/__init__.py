"""Instrument exports to plates: one module a family, each of which registers itself when imported.

A module that is put into this folder is a family that every command reads.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
