// Response streaming: the global `awslambda`, and invocations of handlers that
// write to a stream.
"use strict";
const { Writable } = require("stream");
const errors = require("./errors.cjs");
const { logError } = require("./console.cjs");
const context = require("./context.cjs");
const { Invocation, Runtime } = require("./invocation.cjs");

// How a handler says that it streams; wrappers of handlers look for these.
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");

const DEFAULT_TYPE = "application/octet-stream";
const HTTP_TYPE = "application/vnd.awslambda.http-integration-response";
const MAX_TRAILER = 2048; // bytes of an error's JSON; the trailers together stay below 4 KB

const awslambda = {
  // Marks handler(event, responseStream, context) as one that streams.
  streamifyResponse(handler, options) {
    handler[STREAMING] = "response";
    if (options && typeof options.highWaterMark === "number") {
      handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
    }
    return handler;
  },
  HttpResponseStream: {
    // Puts status, headers and cookies of an HTTP response before the content
    // of a response stream, which it returns.
    from(stream, prelude) {
      stream.setContentType(HTTP_TYPE);
      stream.prelude = Buffer.concat([Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8)]);
      return stream;
    },
  },
};

function streams(handler) {
  if (handler[STREAMING] && handler[STREAMING] !== "response") {
    throw new errors.MalformedStreamingHandler("Only response streaming is supported.");
  }
  return Boolean(handler[STREAMING]);
}

// Makes awslambda a global, unless the function does not want it.
function install() {
  if (!["1", "true"].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
    globalThis.awslambda = awslambda;
  }
}

// ResponseStream is what a handler writes to. The response begins with the
// first byte, or with the end.
class ResponseStream extends Writable {
  constructor(invocation, highWaterMark) {
    super({ highWaterMark });
    this.invocation = invocation;
    this.contentType = undefined;
    this.prelude = null;
    this.upload = null;
  }

  setContentType(contentType) {
    if (this.upload !== null) {
      throw new errors.InvalidStreamingOperation("Cannot set content-type, too late.");
    }
    this.contentType = contentType;
  }

  // As on AWS, what is neither text nor bytes is written as JSON.
  write(chunk, ...rest) {
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) {
      chunk = JSON.stringify(chunk);
    }
    return super.write(chunk, ...rest);
  }

  begin() {
    if (this.upload === null) {
      this.upload = this.invocation.beginUpload(this.contentType || DEFAULT_TYPE);
      if (this.prelude !== null) {
        this.upload.write(this.prelude, () => {});
      }
    }
  }

  _write(chunk, _encoding, done) {
    this.begin();
    this.upload.write(chunk, done);
  }

  _final(done) {
    this.begin();
    this.upload.end("");
    done();
  }
}

class StreamingInvocation extends Invocation {
  run(handler) {
    this.onIdle = () => this.abandoned(handler);
    this.stream = new ResponseStream(this, handler[HIGH_WATER_MARK]);
    // Functions of our own: V8 would follow a promise's own to who waits for it, and have
    // that in the stack of the handler's errors.
    this.runStreaming(new Runtime(handler)).then(
      () => this.settle(),
      (error) => this.abort(error)
    );
    return this.posted;
  }

  // Ends when the response has been taken and the handler is done.
  async runStreaming(runtime) {
    await new Promise(setImmediate); // see Invocation.runAsync
    try {
      const pending = runtime.handler(JSON.parse(this.event.body), this.stream, context.describe({}, this.event.headers));
      if (!pending || typeof pending.then !== "function") {
        throw new Error("Streaming does not support non-async handlers.");
      }
      if ((await pending) !== undefined) {
        console.warn("Streaming handlers ignore return values.");
      }
    } catch (error) {
      await this.failStream(error);
      return;
    }
    // A handler that does not end its stream waits for its time-out, as on AWS.
    await new Promise((resolve) => this.stream.once("close", resolve).destroyed && resolve());
    if (!this.stream.writableFinished) {
      await this.failStream(this.stream.errored || new Error("The response stream was destroyed before its end."));
      return;
    }
    await this.stream.upload.answered;
  }

  beginUpload(contentType) {
    this.onIdle = null;
    return this.client.upload("invocation/" + this.id + "/response", {
      "Content-Type": contentType,
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      Trailer: "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    });
  }

  // Reports an error behind what was written; when that is nothing, an empty
  // response carries it, as on AWS.
  async failStream(error) {
    logError("Invoke Error", error);
    const stream = this.stream;
    stream.on("error", () => {});
    if (stream.upload === null) {
      stream.upload = this.beginUpload(stream.contentType || DEFAULT_TYPE);
    }
    if (!stream.upload.ended) {
      const payload = errors.payload(error);
      const body = Buffer.from(brief(payload)).toString("base64");
      const errorType = String(payload.errorType).replace(/[^\x21-\x7e]/g, "?").slice(0, 256);
      stream.upload.end(
        "Lambda-Runtime-Function-Error-Type: " + errorType + "\r\nLambda-Runtime-Function-Error-Body: " + body + "\r\n"
      );
    }
    stream.destroy();
    await stream.upload.answered;
  }

  abandoned() {
    this.onIdle = null;
    this.failStream(errors.neverSettled()).then(this.settle, this.abort);
  }
}

// An error's JSON in at most MAX_TRAILER bytes: without the trace, and the end
// of the message, if need be.
function brief(payload) {
  let text = JSON.stringify(payload);
  if (Buffer.byteLength(text) > MAX_TRAILER) {
    text = JSON.stringify({ ...payload, trace: [] });
  }
  if (Buffer.byteLength(text) > MAX_TRAILER) {
    const message = String(payload.errorMessage).slice(0, MAX_TRAILER / 8);
    text = JSON.stringify({ errorType: String(payload.errorType).slice(0, 64), errorMessage: message, trace: [] });
  }
  return text;
}

module.exports = { install, streams, StreamingInvocation };
