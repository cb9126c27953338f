"""Entry point of the Python runtime: python3.X /var/runtime/bootstrap.py [OPT].

OPT is where layers are, /opt unless told otherwise. This file stays small: the
interpreter compiles it at every start, the modules it imports only once.
"""

import sys

import hearth_runtime.loop


def __getattr__(name):
    """Libraries that wrap every handler look for AWS's runtime here, under the
    name that the entry point of AWS's has for it."""
    if name != "awslambdaricmain":
        raise AttributeError(name)
    import awslambdaric.bootstrap

    return awslambdaric


if __name__ == "__main__":
    hearth_runtime.loop.main(sys.argv[1] if len(sys.argv) > 1 else "/opt")
