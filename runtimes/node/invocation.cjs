// One invocation: from the event to the posted result.
"use strict";
const errors = require("./errors.cjs");
const { logError } = require("./console.cjs");
const context = require("./context.cjs");

// Runtime is what the handler of a function is a method of, as on AWS: it is in the
// handler's line of a stack trace.
class Runtime {
  constructor(handler) {
    this.handler = handler;
  }
}

class Invocation {
  // release is the major version of the runtime that the function asked for.
  constructor(client, event, release) {
    this.client = client;
    this.event = event;
    this.release = release;
    this.id = event.headers["lambda-runtime-aws-request-id"];
    this.answered = false;
    this.onIdle = null; // what to do when the event loop runs empty
    this.posted = new Promise((resolve, reject) => {
      this.settle = resolve;
      this.abort = reject;
    });
  }

  // Runs the handler; the promise resolves when the result was posted.
  run(handler) {
    this.onIdle = () => this.abandoned(handler);
    const runtime = new Runtime(handler);
    if (this.release >= 24) {
      this.runAsync(runtime);
    } else {
      this.runWithCallbacks(runtime);
    }
    return this.posted;
  }

  // The stack of the handler's errors begins after the await, as nobody waits for this
  // function: one line of it is the runtime's, as on AWS. So in the others. It is an
  // immediate because Node's own files would be in the stack of anything sooner.
  async runAsync(runtime) {
    await new Promise(setImmediate);
    try {
      this.succeed(await runtime.handler(JSON.parse(this.event.body), context.describe({}, this.event.headers)));
    } catch (error) {
      this.fail(error);
    }
  }

  async runWithCallbacks(runtime) {
    await new Promise(setImmediate);
    let waits = true; // callbackWaitsForEmptyEventLoop
    const done = (error, result) => this.done(error, result);
    const fail = (error) => done(error === undefined || error === null ? "handled" : error);
    const succeed = (result) => done(null, result);
    const callback = (error, result) => {
      if (waits && !this.answered && (error === undefined || error === null)) {
        this.answered = true;
        this.onIdle = () => this.post(result);
      } else {
        done(error, result);
      }
    };
    const own = {
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
      succeed,
      fail,
      done,
    };
    try {
      const result = runtime.handler(JSON.parse(this.event.body), context.describe(own, this.event.headers), callback);
      if (result && typeof result.then === "function") {
        result.then(succeed, fail).catch(fail);
      }
    } catch (error) {
      done(error === undefined || error === null ? "handled" : error);
    }
  }

  done(error, result) {
    if (error === undefined || error === null) {
      this.succeed(result);
    } else {
      this.fail(error);
    }
  }

  // The first answer counts, those after it are ignored.
  succeed(result) {
    if (!this.answered) {
      this.answered = true;
      this.post(result);
    }
  }

  fail(error) {
    if (!this.answered) {
      this.answered = true;
      logError("Invoke Error", error);
      this.postError(this.client, error).then(this.settle, this.abort);
    }
  }

  post(result) {
    this.onIdle = null;
    let body;
    try {
      body = JSON.stringify(result === undefined ? null : result);
    } catch {
      this.answered = false;
      this.fail(new Error("Unable to stringify response body"));
      return;
    }
    // A function or a symbol has no JSON; AWS sends the word.
    this.client.post("invocation/" + this.id + "/response", String(body), {}).then(this.settle, this.abort);
  }

  postError(client, error) {
    this.onIdle = null;
    const payload = errors.payload(error);
    const headers = { "Lambda-Runtime-Function-Error-Type": String(payload.errorType) };
    const cause = errors.xrayCause(error);
    if (cause) {
      headers["Lambda-Runtime-Function-XRay-Error-Cause"] = cause;
    }
    return client.post("invocation/" + this.id + "/error", JSON.stringify(payload), headers);
  }

  // The event loop is empty and nobody answered: an async handler waits for
  // something that never comes, a plain one forgot its callback.
  abandoned(handler) {
    if (handler.constructor.name === "AsyncFunction" || this.release >= 24) {
      this.fail(errors.neverSettled());
    } else {
      this.succeed(null);
    }
  }
}

module.exports = { Invocation, Runtime };
