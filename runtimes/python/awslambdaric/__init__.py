"""What libraries know of AWS's Python runtime: the names of its client package
under which they import or replace parts of it. The parts are hearth_runtime's.
"""
