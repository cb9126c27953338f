package app;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Answers with its event in capitals, and the function's name: of bytes, not of JSON. */
public class Streams implements RequestStreamHandler {
  @Override
  public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
    String event = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    out.write((event.toUpperCase(Locale.ROOT) + " of " + context.getFunctionName()).getBytes(StandardCharsets.UTF_8));
  }
}
