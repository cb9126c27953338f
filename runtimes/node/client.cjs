// The Runtime API over one kept-alive connection.
//
// Between requests the socket does not keep the event loop alive: a handler
// that leaves nothing to wait for must be seen to have done so. No request has
// a timeout, as a frozen process must find its long poll alive.
"use strict";
const net = require("net");

const BASE = "/2018-06-01/runtime/";
const HEAD_END = "\r\n\r\n";
const MAX_HEAD = 8 << 20; // a client context may be large; an endless head is an error

class RuntimeClient {
  constructor(address) {
    const colon = address.lastIndexOf(":");
    this.target = { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
    this.host = "\r\nHost: " + address + "\r\n";
    this.socket = null;
    this.request = null; // the one that waits for its answer
  }

  // Waits for an event: { headers, body }, header names in lower case.
  async next() {
    const answer = await this.send("GET " + BASE + "invocation/next HTTP/1.1" + this.host + "\r\n", true);
    if (answer.status !== 200) {
      throw new Error("next invocation: status " + answer.status + ": " + answer.body.slice(0, 512));
    }
    return answer;
  }

  // Posts to a path such as "invocation/ID/response".
  async post(path, body, headers) {
    let head = this.head(path, { "Content-Type": "application/json", ...headers });
    head += "Content-Length: " + Buffer.byteLength(body) + HEAD_END;
    check(path, await this.send(head + body, true));
  }

  // Begins a post whose body is written bit by bit.
  upload(path, headers) {
    return new Upload(this, path, this.head(path, headers) + "Transfer-Encoding: chunked" + HEAD_END);
  }

  head(path, headers) {
    let head = "POST " + BASE + path + " HTTP/1.1" + this.host;
    for (const name in headers) {
      head += name + ": " + headers[name].replace(/[^\x20-\x7e]/g, "?") + "\r\n";
    }
    return head;
  }

  send(data, retry) {
    return new Promise((resolve, reject) => {
      this.request = { data, resolve, reject, retry: retry && this.socket !== null, answer: new Answer() };
      if (this.socket === null) {
        this.connect();
      }
      this.socket.ref();
      this.socket.write(data);
    });
  }

  connect() {
    const socket = net.connect(this.target);
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.receive(socket, chunk));
    socket.on("error", (error) => this.lost(socket, error));
    socket.on("close", () => this.lost(socket, new Error("the Runtime API closed the connection")));
    this.socket = socket;
  }

  receive(socket, chunk) {
    const request = this.request;
    if (request === null || socket !== this.socket) {
      return;
    }
    try {
      if (!request.answer.add(chunk)) {
        return;
      }
    } catch (error) {
      socket.destroy(error);
      return;
    }
    this.request = null;
    socket.unref();
    if (request.answer.closes) {
      this.socket = null;
      socket.destroy();
    }
    request.resolve(request.answer);
  }

  // Gives up the connection.
  drop() {
    const socket = this.socket;
    this.socket = null;
    if (socket !== null) {
      socket.destroy();
    }
  }

  lost(socket, error) {
    if (socket !== this.socket) {
      return;
    }
    this.socket = null;
    const request = this.request;
    if (request === null) {
      return;
    }
    if (!request.retry || request.answer.began) {
      this.request = null;
      request.reject(error);
      return;
    }
    request.retry = false; // the server had given up a connection that was idle
    this.connect();
    this.socket.write(request.data);
  }
}

// 400: the invocation is over, 413: the platform has told the caller. Either
// way the next event is what remains to do.
function check(path, answer) {
  if (answer.status !== 202 && answer.status !== 400 && answer.status !== 410 && answer.status !== 413) {
    throw new Error(path + ": status " + answer.status + ": " + answer.body.slice(0, 512));
  }
}

// Upload is a request whose body is sent in chunks. It has the connection until
// it is answered. What is written after that is dropped: the invocation is over.
class Upload {
  constructor(client, path, head) {
    this.ended = false;
    this.open = true;
    this.answered = client.send(head, false).then((answer) => {
      this.open = false;
      if (!this.ended) {
        client.drop(); // the server does not wait for the rest
      }
      check(path, answer);
    });
    this.answered.catch(() => (this.open = false)); // whoever waits for it gets the error
    this.socket = client.socket;
  }

  // done is called when the chunk is on its way.
  write(chunk, done) {
    if (!this.open || this.ended || chunk.length === 0) {
      process.nextTick(done);
      return;
    }
    this.socket.cork();
    this.socket.write(chunk.length.toString(16) + "\r\n");
    this.socket.write(chunk);
    this.socket.write("\r\n", () => done()); // a broken connection shows in answered
    this.socket.uncork();
  }

  // trailers is "" or lines that end in \r\n.
  end(trailers) {
    if (this.open && !this.ended) {
      this.socket.write("0\r\n" + trailers + "\r\n");
    }
    this.ended = true;
  }
}

// Answer is an HTTP response that arrives in pieces.
class Answer {
  constructor() {
    this.began = false;
    this.status = 0;
    this.headers = null;
    this.body = "";
    this.closes = false;
    this.pending = null; // bytes of an unfinished head or chunk
    this.parts = [];
    this.missing = 0; // bytes of the body
    this.chunked = false;
  }

  // Adds bytes; true when the response is complete.
  add(bytes) {
    this.began = true;
    if (this.pending !== null) {
      bytes = Buffer.concat([this.pending, bytes]);
      this.pending = null;
    }
    while (this.headers === null) {
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) {
        return this.keep(bytes);
      }
      this.head(bytes.toString("utf8", 0, end));
      bytes = bytes.subarray(end + HEAD_END.length);
    }
    return this.chunked ? this.addChunks(bytes) : this.addBody(bytes);
  }

  keep(bytes) {
    if (this.headers === null && bytes.length > MAX_HEAD) {
      throw new Error("response head is too long");
    }
    this.pending = bytes;
    return false;
  }

  head(text) {
    const lines = text.split("\r\n");
    this.status = Number(lines[0].split(" ")[1]);
    if (!(this.status >= 100)) {
      throw new Error("response is not HTTP: " + lines[0].slice(0, 80));
    }
    if (this.status < 200) {
      return; // an interim response; the real one follows
    }
    const headers = {};
    for (let i = 1; i < lines.length; i++) {
      const colon = lines[i].indexOf(":");
      headers[lines[i].slice(0, colon).trim().toLowerCase()] = lines[i].slice(colon + 1).trim();
    }
    this.headers = headers;
    this.closes = (headers.connection || "").toLowerCase() === "close";
    this.chunked = (headers["transfer-encoding"] || "").toLowerCase() === "chunked";
    this.missing = Number(headers["content-length"] || 0);
  }

  addBody(bytes) {
    this.missing -= bytes.length;
    this.parts.push(bytes);
    return this.missing <= 0 && this.finish();
  }

  addChunks(bytes) {
    for (;;) {
      const line = bytes.indexOf("\r\n");
      if (line < 0) {
        return this.keep(bytes);
      }
      const size = parseInt(bytes.toString("latin1", 0, line), 16);
      if (!(size >= 0)) {
        throw new Error("response has a broken chunk");
      }
      if (size === 0) {
        return bytes.indexOf(HEAD_END) < 0 ? this.keep(bytes) : this.finish();
      }
      const end = line + 2 + size;
      if (bytes.length < end + 2) {
        return this.keep(bytes);
      }
      this.parts.push(bytes.subarray(line + 2, end));
      bytes = bytes.subarray(end + 2);
    }
  }

  finish() {
    const all = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts);
    this.body = all.toString("utf8");
    this.parts = [];
    return true;
  }
}

module.exports = { RuntimeClient };
