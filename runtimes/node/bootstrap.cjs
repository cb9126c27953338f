// Entry point of the Node runtime: node /var/runtime/bootstrap.cjs.
"use strict";
const { RuntimeClient } = require("./client.cjs");
const { Invocation } = require("./invocation.cjs");
const streaming = require("./stream.cjs");
const errors = require("./errors.cjs");
const logs = require("./console.cjs");
const { load } = require("./loader.cjs");

const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;

// The major version that the function asked for, which another may serve.
const asked = /^AWS_Lambda_nodejs(\d+)\./.exec(process.env.AWS_EXECUTION_ENV || "");
const release = Number(asked ? asked[1] : process.versions.node.split(".")[0]);

const client = new RuntimeClient(process.env.AWS_LAMBDA_RUNTIME_API);
let current = null; // the invocation that runs
let ending = false;

// Reports an error that nobody caught, and ends the process.
function end(title, error, status) {
  logs.logError(title, error);
  if (ending) {
    return;
  }
  ending = true;
  report(error).then(
    () => process.exit(status),
    () => process.exit(status)
  );
}

// The client may be in its long poll, or in the middle of a response, so the
// report takes a connection of its own.
function report(error) {
  const client = new RuntimeClient(process.env.AWS_LAMBDA_RUNTIME_API);
  if (current !== null) {
    return current.postError(client, error);
  }
  const payload = errors.payload(error);
  return client.post("init/error", JSON.stringify(payload), {
    "Lambda-Runtime-Function-Error-Type": String(payload.errorType),
  });
}

function refuseCallback(handler) {
  if (release >= 24 && handler.length >= 3 && !streaming.streams(handler)) {
    throw new errors.CallbackHandlerDeprecated(
      "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. " +
        "You need to modify this function to use a supported handler signature to use Node.js 24 or later. " +
        "For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html."
    );
  }
}

function setTraceId(headers) {
  const traceId = headers["lambda-runtime-trace-id"];
  if (traceId) {
    process.env._X_AMZN_TRACE_ID = traceId;
  } else {
    delete process.env._X_AMZN_TRACE_ID;
  }
}

// On managed instances the platform gives this process several events at a
// time, one to each poll. What lines say of their invocation then follows the
// handler's asynchronous calls, and the trace is in its event alone.
async function serveMany(handler, many) {
  const Kind = streaming.streams(handler) ? streaming.StreamingInvocation : Invocation;
  const context = new (require("node:async_hooks").AsyncLocalStorage)();
  logs.follow(context);
  delete process.env._X_AMZN_TRACE_ID;
  const worker = async () => {
    const client = new RuntimeClient(process.env.AWS_LAMBDA_RUNTIME_API);
    for (;;) {
      const event = await client.next();
      const about = {
        requestId: event.headers["lambda-runtime-aws-request-id"],
        tenantId: event.headers["lambda-runtime-aws-tenant-id"],
      };
      await context.run(about, () => new Kind(client, event, release).run(handler));
    }
  };
  await Promise.all(Array.from({ length: many }, worker));
}

async function serve(handler) {
  const Kind = streaming.streams(handler) ? streaming.StreamingInvocation : Invocation;
  for (;;) {
    const event = await client.next();
    logs.invocation.requestId = event.headers["lambda-runtime-aws-request-id"];
    logs.invocation.tenantId = event.headers["lambda-runtime-aws-tenant-id"];
    setTraceId(event.headers);
    current = new Kind(client, event, release);
    await current.run(handler);
    // Callbacks that the handler left behind run before the process may be
    // frozen in its long poll.
    await new Promise(setImmediate);
  }
}

async function main() {
  logs.patch();
  streaming.install();
  process.on("uncaughtException", (error) => end("Uncaught Exception", error, EXIT_UNCAUGHT_EXCEPTION));
  process.on("unhandledRejection", (reason, promise) => {
    const error = new errors.UnhandledPromiseRejection(reason, promise);
    end("Unhandled Promise Rejection", error, EXIT_UNHANDLED_REJECTION);
  });
  process.on("beforeExit", () => {
    if (current !== null && current.onIdle !== null) {
      const onIdle = current.onIdle;
      setImmediate(onIdle);
    }
  });
  const handler = await load(process.env.LAMBDA_TASK_ROOT || process.cwd(), process.env._HANDLER || "", release);
  refuseCallback(handler);
  const many = Number(process.env.AWS_LAMBDA_MAX_CONCURRENCY || 0);
  await (many > 0 ? serveMany(handler, many) : serve(handler));
}

main().catch((error) => end("Uncaught Exception", error, EXIT_UNCAUGHT_EXCEPTION));
