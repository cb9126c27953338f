package example;

import java.util.Map;
import java.util.UUID;

/** Greets. The handler is a plain method: nothing of AWS's is needed to compile it. */
public class Hello {
    /** Set once per execution environment: the same over warm invocations. */
    private static final String ENVIRONMENT = UUID.randomUUID().toString();

    public Map<String, Object> handle(Map<String, Object> event) {
        Object name = event.getOrDefault("name", "world");
        System.out.println("greeting " + name);
        return Map.of(
                "message", System.getenv("GREETING") + ", " + name + ", from Java " + Runtime.version().feature(),
                "environment", ENVIRONMENT);
    }
}
