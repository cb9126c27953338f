// The runtime's own errors, and the payloads and log forms of any error.
"use strict";
const { types } = require("util");

// Errors that the runtime itself finds; their names are AWS's.
class RuntimeError extends Error {}

function define(name) {
  const type = { [name]: class extends RuntimeError {} }[name]; // JSON logs show what a class is called
  type.prototype.name = "Runtime." + name;
  return type;
}

class UnhandledPromiseRejection extends RuntimeError {
  constructor(reason, promise) {
    super(reason);
    this.reason = reason;
    this.promise = promise;
  }
}
UnhandledPromiseRejection.prototype.name = "Runtime.UnhandledPromiseRejection";

const NodeJsExit = define("NodeJsExit");

// The error of a handler that waits for something that never comes.
function neverSettled() {
  return new NodeJsExit(
    "The Lambda runtime client detected an unexpected Node.js exit code. " +
      "This is most commonly caused by a Promise that was never settled. " +
      "For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes"
  );
}

function looksLikeError(value) {
  return (
    types.isNativeError(value) ||
    (value && [value.name, value.message, value.stack].every((part) => part && typeof part === "string"))
  );
}

// The JSON object that the caller sees; the order of its keys is AWS's.
function payload(error) {
  try {
    if (looksLikeError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: error.stack.split("\n") };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    return {
      errorType: "handled",
      errorMessage:
        "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack",
    };
  }
}

function toError(value) {
  if (value instanceof Error) {
    return value;
  }
  try {
    return new Error(value);
  } catch {
    return new Error(payload(value).errorMessage); // not even a string can be made of it
  }
}

// An error that can be logged: another one where reading it throws.
function readable(value) {
  const error = toError(value);
  try {
    void [error.name, error.message, error.stack, { ...error }];
    return error;
  } catch {
    return new Error(payload(error).errorMessage);
  }
}

// The form of an error in a text log line, with the properties that
// JSON.stringify does not see. AWS starts it with a tab.
function logForm(error) {
  const replace = (_key, value) => {
    if (!(value instanceof Error)) {
      return value;
    }
    const fields = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
    if (typeof value.stack === "string") {
      fields.stack = value.stack.split("\n");
    }
    return fields;
  };
  try {
    return "\t" + JSON.stringify(error, replace);
  } catch {
    return "\t" + JSON.stringify(payload(error));
  }
}

const FRAME = /^\s*at (?:(.+) \()?(?:file:\/\/)?(.+?):(\d+)(?::\d+)?\)?$/;

// The description of an error that AWS X-Ray shows, for a header.
function xrayCause(error) {
  try {
    return looksLikeError(error) ? describe(error) : "";
  } catch {
    return ""; // reading it is what throws
  }
}

function describe(error) {
  const stack = [];
  for (const line of String(error.stack).split("\n")) {
    const frame = FRAME.exec(line);
    if (frame) {
      stack.push({ path: frame[2], line: Number(frame[3]), label: frame[1] || "anonymous" });
    }
  }
  const cause = JSON.stringify({
    working_directory: process.cwd(),
    exceptions: [{ type: String(error.name), message: String(error.message), stack }],
    paths: [...new Set(stack.map((frame) => frame.path))],
  });
  return cause.length < 1 << 20 ? cause : "";
}

module.exports = {
  ImportModuleError: define("ImportModuleError"),
  HandlerNotFound: define("HandlerNotFound"),
  MalformedHandlerName: define("MalformedHandlerName"),
  UserCodeSyntaxError: define("UserCodeSyntaxError"),
  CallbackHandlerDeprecated: define("CallbackHandlerDeprecated"),
  MalformedStreamingHandler: define("MalformedStreamingHandler"),
  InvalidStreamingOperation: define("InvalidStreamingOperation"),
  UnhandledPromiseRejection,
  neverSettled,
  payload,
  toError,
  readable,
  logForm,
  xrayCause,
};
