"""Functions on libraries that other people made for Lambda."""
import os

# Each handler imports its libraries when it is the one that is asked for.
if os.environ["_HANDLER"] == "app.powertools":
    from aws_lambda_powertools import Logger, Metrics, Tracer
    from aws_lambda_powertools.metrics import MetricUnit
    from aws_lambda_powertools.utilities.validation import SchemaValidationError, validate

    logger, metrics, tracer = Logger(service="shop"), Metrics(namespace="shop", service="shop"), Tracer(service="shop")
    schema = {"type": "object", "required": ["item"], "properties": {"item": {"type": "string"}}}

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler
    @metrics.log_metrics(capture_cold_start_metric=True)
    def powertools(event, context):
        try:
            validate(event=event, schema=schema)
        except SchemaValidationError:
            return {"refused": True}
        logger.info("ordered", extra={"item": event["item"]})
        metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=2)
        tracer.put_annotation(key="item", value=event["item"])
        return {"trace": os.environ["_X_AMZN_TRACE_ID"]}

elif os.environ["_HANDLER"] == "app.batch":
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    processor = BatchProcessor(event_type=EventType.SQS)

    def work(record):
        if not record.body:
            raise ValueError("an empty message")

    def batch(event, context):
        return process_partial_response(event=event, record_handler=work, processor=processor, context=context)

elif os.environ["_HANDLER"] == "app.asgi":
    from mangum import Mangum
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def item(request):
        seen = {"id": request.path_params["id"], "q": request.query_params["q"], "body": await request.json()}
        return JSONResponse(seen, status_code=201)

    asgi = Mangum(Starlette(routes=[Route("/items/{id}", item, methods=["POST"])]))

elif os.environ["_HANDLER"] == "app.wsgi":
    import flask
    import serverless_wsgi

    application = flask.Flask("shop")

    @application.post("/items/<id>")
    def item(id):
        return {"id": id, "q": flask.request.args["q"], "body": flask.request.json}, 201

    def wsgi(event, context):
        return serverless_wsgi.handle_request(application, event, context)
