def handler(event, context):
    return {"second": event}
