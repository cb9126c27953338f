def handler(event, context):
    """Ships an order, unless it is out of stock: then Lambda tries again, twice."""
    print(f"order {event['id']}")
    if event.get("outOfStock"):
        raise RuntimeError(f"order {event['id']} is out of stock")
    return {"shipped": event["id"]}


def failed(record, context):
    """Is the on-failure destination: gets AWS's record of an event that was given up."""
    attempts = record["requestContext"]["approximateInvokeCount"]
    print(f"gave up order {record['requestPayload']['id']} after {attempts} attempts: {record['responsePayload']['errorMessage']}")
