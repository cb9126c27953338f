"""Entry point of the Python runtime: python3.X /var/runtime/bootstrap.py [OPT].

OPT is where layers are, /opt unless told otherwise. This file stays small: the
interpreter compiles it at every start, the modules it imports only once.
"""

import sys

import hearth_runtime.loop

if __name__ == "__main__":
    hearth_runtime.loop.main(sys.argv[1] if len(sys.argv) > 1 else "/opt")
