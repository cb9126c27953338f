import os

import layered


def handler(event, context):
    return {"from": layered.FROM, "opt": sorted(os.listdir("/opt")), "event": event}
