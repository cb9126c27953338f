// console.* in Lambda's log formats.
"use strict";
const fs = require("fs");
const { format } = require("util");
const { toError, readable, logForm } = require("./errors.cjs");

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const JSON_FORMAT = (process.env.AWS_LAMBDA_LOG_FORMAT || "").toUpperCase() === "JSON";

// What log lines say about the invocation that runs. Before the first one the
// request id of a text line reads "undefined", as on AWS.
const invocation = { requestId: undefined, tenantId: undefined };

// Where several run at a time: what holds the one that a line belongs to.
let context = null;

function follow(storage) {
  context = storage;
}

function current() {
  return (context !== null && context.getStore()) || invocation;
}

// Libraries look for the request id here.
Object.defineProperty(globalThis, Symbol.for("aws.lambda.runtime.requestId"), {
  get: () => current().requestId,
  configurable: true,
});

function textLine(time, level, args) {
  return time + "\t" + current().requestId + "\t" + level + "\t" + format(...args);
}

function describe(_key, value) {
  if (!(value instanceof Error)) {
    return value;
  }
  return { ...errorFields(value), ...value };
}

function errorFields(error) {
  return {
    errorType: (error.constructor && error.constructor.name) || "UnknownError",
    errorMessage: error.message,
    stackTrace: typeof error.stack === "string" ? error.stack.split("\n") : [],
  };
}

function jsonLine(time, level, args) {
  const { requestId, tenantId } = current();
  const entry = { timestamp: time, level, requestId };
  if (tenantId) {
    entry.tenantId = tenantId;
  }
  if (args.length === 1) {
    entry.message = args[0];
    try {
      return JSON.stringify(entry, describe);
    } catch {
      entry.message = format(args[0]);
      return JSON.stringify(entry);
    }
  }
  entry.message = format(...args);
  const error = args.find((arg) => arg instanceof Error);
  return JSON.stringify(error ? { ...entry, ...errorFields(error) } : entry);
}

const line = JSON_FORMAT ? jsonLine : textLine;

// Where log events go as frames; without it they are lines of stdout. Function
// code and its children are not to find it.
const FRAMES = /^\d+$/.test(process.env._LAMBDA_TELEMETRY_LOG_FD || "") ? Number(process.env._LAMBDA_TELEMETRY_LOG_FD) : -1;
delete process.env._LAMBDA_TELEMETRY_LOG_FD;

// A frame is a type, with the level in it, a length, microseconds, and the event.
function writeFrame(level, now, text) {
  const body = Buffer.from(text);
  const frame = Buffer.alloc(16 + body.length);
  frame.writeUInt32BE((0xa55a0002 | (JSON_FORMAT ? 0 : 1) | ((LEVELS.indexOf(level) + 1) << 2)) >>> 0, 0);
  frame.writeUInt32BE(body.length, 4);
  frame.writeBigUInt64BE(BigInt(now.getTime()) * 1000n, 8);
  body.copy(frame, 16);
  for (let at = 0; at < frame.length; ) {
    at += fs.writeSync(FRAMES, frame, at);
  }
}

// Where one event is one line, \n inside it becomes \r.
function write(level, args) {
  const now = new Date();
  const text = line(now.toISOString(), level, args);
  if (FRAMES < 0) {
    process.stdout.write(text.replace(/\n/g, "\r") + "\n");
  } else {
    writeFrame(level, now, text);
  }
}

function patch() {
  const lowest = LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || "").toUpperCase());
  LEVELS.forEach((level, i) => {
    console[level.toLowerCase()] = i < lowest ? () => {} : (...args) => write(level, args);
  });
  console.log = console.info;
}

// Logs an error that ends an invocation or the init phase.
function logError(title, value) {
  if (JSON_FORMAT) {
    console.error(readable(value));
  } else {
    console.error(title, logForm(toError(value)));
  }
}

module.exports = { patch, logError, follow, invocation };
