"""OpenTelemetry traces every invocation."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint="http://127.0.0.1:9999/v1/traces")))
trace.set_tracer_provider(provider)


def handler(event, context):
    with trace.get_tracer("app").start_as_current_span("work"):
        return {"id": context.aws_request_id}


AwsLambdaInstrumentor().instrument(tracer_provider=provider)
