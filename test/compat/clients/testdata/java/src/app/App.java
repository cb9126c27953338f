package app;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryManagerMXBean;
import java.util.HashMap;
import java.util.Map;

/** The function of the tests of AWS's Java client; contract_test.go says what the events ask for. */
public class App implements RequestHandler<Map<String, Object>, Object> {
  private int calls;

  @Override
  public Object handleRequest(Map<String, Object> event, Context context) {
    calls++;
    switch ((String) event.get("do")) {
      case "return":
        return event.get("value");
      case "make":
        return "x".repeat(number(event, "size"));
      case "count":
        return calls;
      case "context":
        return describe(context);
      case "log":
        System.out.println("to standard output");
        System.err.println("to standard error");
        context.getLogger().log("to the logger\n");
        return null;
      case "fail":
        throw new Refusal("no such thing" + "!".repeat(number(event, "size")));
      case "sleep":
        return sleep(event);
      case "wrap":
        throw new IllegalStateException("gave up", new Refusal("no such thing"));
      case "property":
        return System.getProperty((String) event.get("value"));
      case "collectors":
        return ManagementFactory.getGarbageCollectorMXBeans().stream().map(MemoryManagerMXBean::getName).toArray();
      case "new":
        return create((String) event.get("value"));
      case "overflow":
        return overflow(1);
      case "exit":
        System.exit(3);
      default:
        throw new IllegalArgumentException("do not know how to " + event.get("do"));
    }
  }

  private static Map<String, Object> describe(Context context) {
    Map<String, Object> description = new HashMap<>();
    description.put("requestId", context.getAwsRequestId());
    description.put("arn", context.getInvokedFunctionArn());
    description.put("name", context.getFunctionName());
    description.put("version", context.getFunctionVersion());
    description.put("memory", context.getMemoryLimitInMB());
    description.put("logGroup", context.getLogGroupName());
    description.put("logStream", context.getLogStreamName());
    description.put("remaining", context.getRemainingTimeInMillis());
    description.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
    if (context.getClientContext() != null) {
      description.put("custom", context.getClientContext().getCustom());
    }
    return description;
  }

  private static int number(Map<String, Object> event, String name) {
    return ((Number) event.getOrDefault(name, 0)).intValue();
  }

  private static Object sleep(Map<String, Object> event) {
    try {
      Thread.sleep(number(event, "size"));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return event.get("value");
  }

  private static String create(String type) {
    try {
      return Class.forName(type).getDeclaredConstructor().newInstance().toString();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static int overflow(int depth) {
    return overflow(depth + 1) + 1;
  }

  /** Names its type in what the client reports. */
  static class Refusal extends RuntimeException {
    Refusal(String message) {
      super(message);
    }
  }
}
