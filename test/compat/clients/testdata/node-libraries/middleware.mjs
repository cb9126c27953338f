import middy from "@middy/core";
import errors from "@middy/http-error-handler";
import json from "@middy/http-json-body-parser";

export const handler = middy()
  .use(json())
  .use(errors({ logger: false }))
  .handler(async (event) => ({
    statusCode: 201,
    body: JSON.stringify({ id: event.rawPath.split("/")[2], q: event.queryStringParameters.q, body: event.body }),
  }));
