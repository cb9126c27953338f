// Powertools for AWS Lambda, as middleware of middy.
import { Logger } from "@aws-lambda-powertools/logger";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { Metrics } from "@aws-lambda-powertools/metrics";
import { logMetrics } from "@aws-lambda-powertools/metrics/middleware";
import { Tracer } from "@aws-lambda-powertools/tracer";
import { captureLambdaHandler } from "@aws-lambda-powertools/tracer/middleware";
import middy from "@middy/core";

const logger = new Logger({ serviceName: "shop" });
const metrics = new Metrics({ namespace: "shop", serviceName: "shop" });
const tracer = new Tracer({ serviceName: "shop" });

export const handler = middy()
  .use(injectLambdaContext(logger))
  .use(captureLambdaHandler(tracer))
  .use(logMetrics(metrics, { captureColdStartMetric: true }))
  .handler(async (event) => {
    logger.info("ordered", { item: event.item });
    metrics.addMetric("Orders", "Count", 2);
    tracer.putAnnotation("item", event.item);
    return { trace: process.env._X_AMZN_TRACE_ID };
  });
