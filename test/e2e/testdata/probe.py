"""A function that runs what the event says, in its own environment."""
import json, os, random, socket, subprocess, sys, time  # noqa: E401 - for the events

ID = "%032x" % random.SystemRandom().getrandbits(128)


def handler(event, context):
    scope = {**globals(), "event": event, "context": context}
    exec(event.get("exec", ""), scope)
    return eval(event.get("eval", "ID"), scope)
