import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.retry.backoff.FixedDelayBackoffStrategy;
import software.amazon.awssdk.core.waiters.WaiterOverrideConfiguration;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;
import software.amazon.awssdk.services.lambda.LambdaAsyncClient;
import software.amazon.awssdk.services.lambda.LambdaClient;
import software.amazon.awssdk.services.lambda.model.*;
import software.amazon.awssdk.services.lambda.waiters.LambdaAsyncWaiter;
import software.amazon.awssdk.services.lambda.waiters.LambdaWaiter;

/**
 * The life of a function, as the AWS SDK for Java 2 tells it; see testdata/life.txt. The first half
 * is told by the synchronous client, the second by the asynchronous one.
 *
 * <p>Life DIRECTORY: first.zip, second.zip and layer.zip are there, RUNTIME is the function's runtime.
 */
public class Life {
  private static final String LIFE = "life";
  private static final String ROLE = "arn:aws:iam::000000000000:role/any";
  private static final List<String> UNMODELLED = List.of("ValidationException", "RequestEntityTooLargeException");

  private final Path archives;
  private final LambdaClient client = LambdaClient.create();
  private final LambdaAsyncClient async = LambdaAsyncClient.create();
  private final LambdaWaiter waiter = LambdaWaiter.builder().client(client).overrideConfiguration(everySecond()).build();
  private final LambdaAsyncWaiter asyncWaiter =
      LambdaAsyncWaiter.builder().client(async).overrideConfiguration(everySecond()).build();

  private Life(Path archives) {
    this.archives = archives;
  }

  public static void main(String[] args) throws Exception {
    Life life = new Life(Path.of(args[0]));
    life.create();
    life.invocations();
    life.updates();
    life.versions();
    life.layers();
    life.policies();
    life.concurrency();
    life.settings();
    life.mappings();
    life.tags();
    life.streams();
    life.end();
    System.exit(0); // threads of the asynchronous client live for a while
  }

  private static WaiterOverrideConfiguration everySecond() {
    return WaiterOverrideConfiguration.builder()
        .maxAttempts(60)
        .backoffStrategy(FixedDelayBackoffStrategy.create(Duration.ofSeconds(1)))
        .build();
  }

  private SdkBytes archive(String name) throws IOException {
    return SdkBytes.fromByteArray(Files.readAllBytes(archives.resolve(name)));
  }

  private static void tell(String what, Object... told) {
    System.out.println(
        what
            + ": "
            + Arrays.stream(told)
                .map(value -> Objects.toString(value, "None").replace("\n", " "))
                .collect(Collectors.joining(" ")));
  }

  /** Names as AWS has them: enums of the SDK have constants of their own. */
  private static String json(Map<String, String> members) {
    return members.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .map(member -> "\"" + member.getKey() + "\":\"" + member.getValue() + "\"")
        .collect(Collectors.joining(",", "{", "}"));
  }

  private static JsonNode parse(String text) {
    return JsonNode.parser().parse(text);
  }

  /** The operation must fail, with the exception that the model has for it. */
  private static LambdaException refused(String what, Callable<?> operation) throws Exception {
    LambdaException error;
    try {
      operation.call();
      throw new AssertionError(what + ": not refused");
    } catch (LambdaException thrown) {
      error = thrown;
    } catch (CompletionException thrown) {
      error = (LambdaException) thrown.getCause();
    }
    String code = error.awsErrorDetails().errorCode();
    if (!error.getClass().getSimpleName().equals(code) && !UNMODELLED.contains(code)) {
      throw error;
    }
    tell(what, code, "(" + error.statusCode() + ")", error.awsErrorDetails().errorMessage());
    return error;
  }

  private InvokeResponse invoke(String event, String qualifier) {
    return client.invoke(r -> r.functionName(LIFE).qualifier(qualifier).payload(SdkBytes.fromUtf8String(event)));
  }

  private String answer(String event) {
    return invoke(event, null).payload().asUtf8String();
  }

  private void create() throws Exception {
    Callable<CreateFunctionResponse> creation =
        () -> {
          SdkBytes code = archive("first.zip");
          return client.createFunction(
              r -> r.functionName(LIFE).role(ROLE).runtime(System.getenv("RUNTIME")).handler("app.handler").code(c -> c.zipFile(code)));
        };
    CreateFunctionResponse created = creation.call();
    tell("created", created.state(), created.stateReasonCode(), created.timeout(), created.memorySize(), created.codeSha256());
    waiter.waitUntilFunctionActiveV2(r -> r.functionName(LIFE));
    FunctionConfiguration now = client.getFunction(r -> r.functionName(LIFE)).configuration();
    tell("active", now.state(), now.lastUpdateStatus(), now.version());
    refused("duplicate", creation);
  }

  private void invocations() throws Exception {
    InvokeResponse out =
        client.invoke(
            r -> r.functionName(LIFE).logType(LogType.TAIL).payload(SdkBytes.fromUtf8String("{\"do\":\"say\",\"word\":\"tea\"}")));
    tell("invoked", out.statusCode(), out.executedVersion(), out.payload().asUtf8String());
    String log = new String(Base64.getDecoder().decode(out.logResult()));
    tell("log", log.lines().filter(line -> line.startsWith("said")).toArray());
    out = invoke("{\"do\":\"fail\"}", null);
    Map<String, JsonNode> failure = parse(out.payload().asUtf8String()).asObject();
    tell("failed", out.statusCode(), out.functionError(), failure.get("errorType").text(), failure.get("errorMessage").text());
    InvokeRequest event =
        InvokeRequest.builder().functionName(LIFE).payload(SdkBytes.fromUtf8String("{\"do\":\"say\",\"word\":\"later\"}")).build();
    tell("event", client.invoke(event.toBuilder().invocationType(InvocationType.EVENT).build()).statusCode());
    tell("dry run", client.invoke(event.toBuilder().invocationType(InvocationType.DRY_RUN).build()).statusCode());
    refused("no JSON", () -> answer("{"));
    refused("too large", () -> answer('"' + "x".repeat(6 << 20) + '"'));
  }

  private UpdateFunctionConfigurationResponse configure(UpdateFunctionConfigurationRequest.Builder settings) {
    UpdateFunctionConfigurationResponse out = client.updateFunctionConfiguration(settings.functionName(LIFE).build());
    waiter.waitUntilFunctionUpdatedV2(r -> r.functionName(LIFE));
    return out;
  }

  private static UpdateFunctionConfigurationRequest.Builder to() {
    return UpdateFunctionConfigurationRequest.builder();
  }

  private void updates() throws Exception {
    SdkBytes second = archive("second.zip");
    UpdateFunctionCodeResponse updating = client.updateFunctionCode(r -> r.functionName(LIFE).zipFile(second));
    tell("updating", updating.lastUpdateStatus(), updating.lastUpdateStatusReasonCodeAsString(), updating.codeSha256());
    waiter.waitUntilFunctionUpdatedV2(r -> r.functionName(LIFE));
    tell("updated", answer("{\"do\":\"say\",\"word\":\"tea\"}"));
    String stale = client.getFunctionConfiguration(r -> r.functionName(LIFE)).revisionId();
    UpdateFunctionConfigurationResponse out =
        configure(to().timeout(30).memorySize(256).environment(e -> e.variables(Map.of("COLOUR", "green"))));
    tell("configured", out.timeout(), out.memorySize(), json(out.environment().variables()));
    tell("settings", answer("{\"do\":\"settings\"}"));
    refused("stale", () -> configure(to().timeout(31).revisionId(stale)));
    refused("too long", () -> configure(to().timeout(901)));
  }

  private void versions() {
    List<Object> told = new ArrayList<>();
    told.add(client.publishVersion(r -> r.functionName(LIFE)).version());
    told.add(client.publishVersion(r -> r.functionName(LIFE)).version());
    configure(to().description("second"));
    told.add(client.publishVersion(r -> r.functionName(LIFE).description("two")).version());
    waiter.waitUntilPublishedVersionActive(r -> r.functionName(LIFE).qualifier("2"));
    tell("published", told.toArray());
    CreateAliasResponse alias = client.createAlias(r -> r.functionName(LIFE).name("live").functionVersion("1"));
    tell("alias", alias.name(), alias.functionVersion(), invoke("{\"do\":\"settings\"}", "live").payload().asUtf8String());
    UpdateAliasResponse weighted =
        client.updateAlias(r -> r.functionName(LIFE).name("live").routingConfig(c -> c.additionalVersionWeights(Map.of("2", 1.0))));
    tell(
        "weights",
        String.join(" ", weighted.routingConfig().additionalVersionWeights().keySet()),
        invoke("{\"do\":\"settings\"}", "live").executedVersion());
    client.createAlias(r -> r.functionName(LIFE).name("next").functionVersion("$LATEST"));
    tell(
        "aliases",
        client.listAliasesPaginator(r -> r.functionName(LIFE).maxItems(1)).stream()
            .flatMap(page -> page.aliases().stream())
            .map(AliasConfiguration::name)
            .toArray());
    tell(
        "versions",
        client.listVersionsByFunctionPaginator(r -> r.functionName(LIFE).maxItems(1)).stream()
            .flatMap(page -> page.versions().stream().map(version -> version.version() + "/" + page.versions().size()))
            .toArray());
  }

  private void layers() throws Exception {
    SdkBytes content = archive("layer.zip");
    PublishLayerVersionResponse layer =
        client.publishLayerVersion(r -> r.layerName("words").content(c -> c.zipFile(content)).description("a word"));
    tell("layer", layer.layerVersionArn().split(":layer:")[1], layer.content().codeSize());
    configure(to().layers(layer.layerVersionArn()));
    tell("in the layer", answer("{\"do\":\"layer\"}"));
    tell(
        "layers",
        client.listLayerVersions(r -> r.layerName("words")).layerVersions().stream()
            .map(version -> version.version() + " " + version.description())
            .toArray());
    client.deleteLayerVersion(r -> r.layerName("words").versionNumber(1L));
    tell("layers", client.listLayerVersions(r -> r.layerName("words")).layerVersions().size());
  }

  private void policies() throws Exception {
    String statement =
        async
            .addPermission(
                r -> r.functionName(LIFE).statementId("bucket").action("lambda:InvokeFunction").principal("s3.amazonaws.com"))
            .join()
            .statement();
    JsonNode principal = parse(statement).asObject().get("Principal");
    tell("permission", json(Map.of("Service", principal.asObject().get("Service").text())));
    JsonNode policy = parse(async.getPolicy(r -> r.functionName(LIFE)).join().policy());
    for (JsonNode each : policy.asObject().get("Statement").asArray()) {
      Map<String, JsonNode> members = each.asObject();
      tell("policy", members.get("Sid").text(), members.get("Effect").text(), members.get("Action").text());
    }
    async.removePermission(r -> r.functionName(LIFE).statementId("bucket")).join();
    refused("no policy", () -> async.getPolicy(r -> r.functionName(LIFE)).join());
  }

  private void concurrency() throws Exception {
    tell(
        "reserved",
        async.putFunctionConcurrency(r -> r.functionName(LIFE).reservedConcurrentExecutions(0)).join().reservedConcurrentExecutions());
    TooManyRequestsException error =
        (TooManyRequestsException) refused("throttled", () -> async.invoke(r -> r.functionName(LIFE)).join());
    String header = error.awsErrorDetails().sdkHttpResponse().firstMatchingHeader("Retry-After").orElse(null);
    tell("throttle", error.reasonAsString(), error.retryAfterSeconds(), header);
    async.deleteFunctionConcurrency(r -> r.functionName(LIFE)).join();
    Integer none = async.getFunctionConcurrency(r -> r.functionName(LIFE)).join().reservedConcurrentExecutions();
    tell("reserved", none);
  }

  private void settings() throws Exception {
    PutFunctionEventInvokeConfigResponse config =
        async
            .putFunctionEventInvokeConfig(r -> r.functionName(LIFE).maximumRetryAttempts(1).maximumEventAgeInSeconds(60))
            .join();
    tell("event config", config.maximumRetryAttempts(), config.maximumEventAgeInSeconds());
    tell(
        "event configs",
        async.listFunctionEventInvokeConfigs(r -> r.functionName(LIFE)).join().functionEventInvokeConfigs().size());
    async.deleteFunctionEventInvokeConfig(r -> r.functionName(LIFE)).join();
    refused("no event config", () -> async.getFunctionEventInvokeConfig(r -> r.functionName(LIFE)).join());
    CreateFunctionUrlConfigResponse url =
        async.createFunctionUrlConfig(r -> r.functionName(LIFE).authType(FunctionUrlAuthType.NONE)).join();
    UpdateFunctionUrlConfigResponse changed =
        async
            .updateFunctionUrlConfig(
                r -> r.functionName(LIFE).authType(FunctionUrlAuthType.AWS_IAM).invokeMode(InvokeMode.RESPONSE_STREAM))
            .join();
    tell(
        "url",
        url.authType(),
        changed.authType(),
        async.getFunctionUrlConfig(r -> r.functionName(LIFE)).join().invokeMode());
    async.deleteFunctionUrlConfig(r -> r.functionName(LIFE)).join();
    tell("urls", async.listFunctionUrlConfigs(r -> r.functionName(LIFE)).join().functionUrlConfigs().size());
  }

  private void mappings() {
    String queue = "arn:aws:sqs:" + System.getenv("AWS_REGION") + ":000000000000:orders";
    CreateEventSourceMappingResponse created =
        async.createEventSourceMapping(r -> r.functionName(LIFE).eventSourceArn(queue).batchSize(5)).join();
    String uuid = created.uuid();
    tell(
        "mapping",
        created.batchSize(),
        created.state(),
        awaitMapping(uuid, "Enabled"),
        async.updateEventSourceMapping(r -> r.uuid(uuid).enabled(false)).join().state(),
        awaitMapping(uuid, "Disabled"),
        async.deleteEventSourceMapping(r -> r.uuid(uuid)).join().state());
  }

  private String awaitMapping(String uuid, String state) {
    while (true) {
      String now = async.getEventSourceMapping(r -> r.uuid(uuid)).join().state();
      if (now.equals(state)) {
        return now;
      }
      if (!List.of("Creating", "Enabling", "Disabling", "Updating").contains(now)) {
        throw new AssertionError(now);
      }
    }
  }

  private void tags() {
    String arn = async.getFunction(r -> r.functionName(LIFE)).join().configuration().functionArn();
    async.tagResource(r -> r.resource(arn).tags(Map.of("team", "tea", "stage", "test"))).join();
    tell("tags", json(async.listTags(r -> r.resource(arn)).join().tags()));
    async.untagResource(r -> r.resource(arn).tagKeys("stage")).join();
    tell("tags", json(async.listTags(r -> r.resource(arn)).join().tags()));
  }

  private void streams() {
    async.updateFunctionConfiguration(r -> r.functionName(LIFE).handler("app.stream")).join();
    asyncWaiter.waitUntilFunctionUpdatedV2(r -> r.functionName(LIFE)).join();
    List<String> told = new ArrayList<>();
    StringBuffer text = new StringBuffer();
    InvokeWithResponseStreamResponseHandler.Visitor events =
        InvokeWithResponseStreamResponseHandler.Visitor.builder()
            .onPayloadChunk(chunk -> text.append(chunk.payload().asUtf8String()))
            .onInvokeComplete(end -> told.add(end.errorCode() == null ? "completed" : end.errorCode()))
            .build();
    StringBuffer status = new StringBuffer();
    async
        .invokeWithResponseStream(
            r -> r.functionName(LIFE).payload(SdkBytes.fromUtf8String("{}")),
            InvokeWithResponseStreamResponseHandler.builder()
                .onResponse(response -> status.append(response.statusCode()))
                .subscriber(events)
                .build())
        .join();
    tell("stream", status, text, String.join(" ", told));
  }

  private void end() throws Exception {
    async.deleteAlias(r -> r.functionName(LIFE).name("next")).join();
    async.deleteAlias(r -> r.functionName(LIFE).name("live")).join();
    async.deleteFunction(r -> r.functionName(LIFE).qualifier("1")).join();
    tell(
        "versions",
        async.listVersionsByFunction(r -> r.functionName(LIFE)).join().versions().stream()
            .map(FunctionConfiguration::version)
            .toArray());
    async.deleteFunction(r -> r.functionName(LIFE)).join();
    refused("deleted", () -> async.getFunction(r -> r.functionName(LIFE)).join());
  }
}
