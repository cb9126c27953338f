// Handlers that stream: what the events ask for is said in stream_test.go.
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  switch (event.do) {
    case "write":
      stream.setContentType("text/plain");
      stream.write("first ");
      await new Promise((resolve) => setTimeout(resolve, event.pause));
      stream.write("second");
      stream.end();
      return;
    case "http":
      stream = awslambda.HttpResponseStream.from(stream, { statusCode: 418, headers: { "x-a": "1" } });
      stream.write("body");
      stream.end();
      return;
    case "fail":
      stream.write("prefix");
      throw new Error("late" + "!".repeat(event.size));
    case "fail-early":
      throw new Error("early");
  }
});
