"""hearth's client of the Lambda Runtime API for Python 3.8 and later.

Start time is part of every cold start, so nothing here imports more than it
needs: _socket instead of socket, json and logging only once they are used.
"""
