"""Functions to run before a snapshot of an environment is taken, and after an
environment was restored from one. An environment that starts in the usual way
runs none of them.
"""

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    """Adds a function. Returns it, so that this is a decorator, too."""
    _before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """Adds a function. Returns it, so that this is a decorator, too."""
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    """What was added, as (function, arguments, keyword arguments)."""
    return _before_snapshot


def get_after_restore():
    """What was added, as (function, arguments, keyword arguments)."""
    return _after_restore
