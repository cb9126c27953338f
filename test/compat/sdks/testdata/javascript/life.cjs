// The life of a function, as the AWS SDK for JavaScript tells it; see
// testdata/life.txt.
//
// life.cjs DIRECTORY: first.zip, second.zip and layer.zip are there, RUNTIME is
// the function's runtime.
const { readFileSync } = require("node:fs");
const path = require("node:path");
const sdk = require("@aws-sdk/client-lambda");

const client = new sdk.LambdaClient();
const FunctionName = "life";
const Role = "arn:aws:iam::000000000000:role/any";
const Runtime = process.env.RUNTIME;
const unmodelled = ["ValidationException", "RequestEntityTooLargeException"];

const archive = (name) => readFileSync(path.join(process.argv[2], name));
const tell = (what, ...told) => console.log(`${what}:`, ...told.map((value) => String(value ?? "None").replaceAll("\n", " ")));
const send = (operation, input = {}) => client.send(new sdk[operation + "Command"](input));
const ofLife = (operation, input = {}) => send(operation, { FunctionName, ...input });

/** The operation must fail, with the exception that the model has for it. */
async function refused(what, call) {
  const error = await call.then(() => { throw new Error(`${what}: not refused`); }, (reason) => reason);
  if (!unmodelled.includes(error.name) && !(error instanceof (sdk[error.name] ?? Array))) throw error;
  tell(what, error.name, `(${error.$metadata.httpStatusCode})`, error.message);
  return error;
}

const invoke = (event, input = {}) => ofLife("Invoke", { Payload: JSON.stringify(event), ...input });
const answer = async (event, input) => (await invoke(event, input)).Payload.transformToString();
const wait = (waiter, input = {}) =>
  sdk["waitUntil" + waiter]({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { FunctionName, ...input });

async function configure(settings) {
  const out = await ofLife("UpdateFunctionConfiguration", settings);
  await wait("FunctionUpdatedV2");
  return out;
}

async function paged(paginator, input) {
  const pages = [];
  for await (const page of sdk["paginate" + paginator]({ client, pageSize: 1 }, { FunctionName, ...input })) pages.push(page);
  return pages;
}

async function create() {
  let out = await ofLife("CreateFunction", { Runtime, Role, Handler: "app.handler", Code: { ZipFile: archive("first.zip") } });
  tell("created", out.State, out.StateReasonCode, out.Timeout, out.MemorySize, out.CodeSha256);
  await wait("FunctionActiveV2");
  out = (await ofLife("GetFunction")).Configuration;
  tell("active", out.State, out.LastUpdateStatus, out.Version);
  await refused("duplicate", ofLife("CreateFunction", { Runtime, Role, Handler: "app.handler", Code: { ZipFile: archive("first.zip") } }));
}

async function invocations() {
  let out = await invoke({ do: "say", word: "tea" }, { LogType: "Tail" });
  tell("invoked", out.StatusCode, out.ExecutedVersion, out.Payload.transformToString());
  const log = Buffer.from(out.LogResult, "base64").toString();
  tell("log", ...log.split("\n").filter((line) => line.startsWith("said")));
  out = await invoke({ do: "fail" });
  const failure = JSON.parse(out.Payload.transformToString());
  tell("failed", out.StatusCode, out.FunctionError, failure.errorType, failure.errorMessage);
  tell("event", (await invoke({ do: "say", word: "later" }, { InvocationType: "Event" })).StatusCode);
  tell("dry run", (await invoke({}, { InvocationType: "DryRun" })).StatusCode);
  await refused("no JSON", ofLife("Invoke", { Payload: "{" }));
  await refused("too large", ofLife("Invoke", { Payload: '"' + "x".repeat(6 << 20) + '"' }));
}

async function updates() {
  let out = await ofLife("UpdateFunctionCode", { ZipFile: archive("second.zip") });
  tell("updating", out.LastUpdateStatus, out.LastUpdateStatusReasonCode, out.CodeSha256);
  await wait("FunctionUpdatedV2");
  tell("updated", await answer({ do: "say", word: "tea" }));
  const stale = (await ofLife("GetFunctionConfiguration")).RevisionId;
  out = await configure({ Timeout: 30, MemorySize: 256, Environment: { Variables: { COLOUR: "green" } } });
  tell("configured", out.Timeout, out.MemorySize, JSON.stringify(out.Environment.Variables));
  tell("settings", await answer({ do: "settings" }));
  await refused("stale", ofLife("UpdateFunctionConfiguration", { Timeout: 31, RevisionId: stale }));
  await refused("too long", ofLife("UpdateFunctionConfiguration", { Timeout: 901 }));
}

async function versions() {
  const told = [(await ofLife("PublishVersion")).Version, (await ofLife("PublishVersion")).Version];
  await configure({ Description: "second" });
  told.push((await ofLife("PublishVersion", { Description: "two" })).Version);
  await wait("PublishedVersionActive", { Qualifier: "2" });
  tell("published", ...told);
  let out = await ofLife("CreateAlias", { Name: "live", FunctionVersion: "1" });
  tell("alias", out.Name, out.FunctionVersion, await answer({ do: "settings" }, { Qualifier: "live" }));
  out = await ofLife("UpdateAlias", { Name: "live", RoutingConfig: { AdditionalVersionWeights: { 2: 1.0 } } });
  const { ExecutedVersion } = await invoke({ do: "settings" }, { Qualifier: "live" });
  tell("weights", ...Object.keys(out.RoutingConfig.AdditionalVersionWeights), ExecutedVersion);
  await ofLife("CreateAlias", { Name: "next", FunctionVersion: "$LATEST" });
  tell("aliases", ...(await paged("ListAliases")).flatMap((page) => page.Aliases.map((alias) => alias.Name)));
  const pages = await paged("ListVersionsByFunction");
  tell("versions", ...pages.flatMap((page) => page.Versions.map((version) => `${version.Version}/${page.Versions.length}`)));
}

async function layers() {
  const LayerName = "words";
  const layer = await send("PublishLayerVersion", { LayerName, Content: { ZipFile: archive("layer.zip") }, Description: "a word" });
  tell("layer", layer.LayerVersionArn.split(":layer:")[1], layer.Content.CodeSize);
  await configure({ Layers: [layer.LayerVersionArn] });
  tell("in the layer", await answer({ do: "layer" }));
  const listed = (await send("ListLayerVersions", { LayerName })).LayerVersions;
  tell("layers", ...listed.map((version) => `${version.Version} ${version.Description}`));
  await send("DeleteLayerVersion", { LayerName, VersionNumber: 1 });
  tell("layers", (await send("ListLayerVersions", { LayerName })).LayerVersions.length);
}

async function policies() {
  const StatementId = "bucket";
  const out = await ofLife("AddPermission", { StatementId, Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com" });
  tell("permission", JSON.stringify(JSON.parse(out.Statement).Principal));
  const policy = JSON.parse((await ofLife("GetPolicy")).Policy);
  tell("policy", ...policy.Statement.map((statement) => `${statement.Sid} ${statement.Effect} ${statement.Action}`));
  await ofLife("RemovePermission", { StatementId });
  await refused("no policy", ofLife("GetPolicy"));
}

async function concurrency() {
  tell("reserved", (await ofLife("PutFunctionConcurrency", { ReservedConcurrentExecutions: 0 })).ReservedConcurrentExecutions);
  const error = await refused("throttled", ofLife("Invoke"));
  tell("throttle", error.Reason, error.retryAfterSeconds, error.$response.headers["retry-after"]);
  await ofLife("DeleteFunctionConcurrency");
  tell("reserved", (await ofLife("GetFunctionConcurrency")).ReservedConcurrentExecutions);
}

async function settings() {
  const config = await ofLife("PutFunctionEventInvokeConfig", { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 });
  tell("event config", config.MaximumRetryAttempts, config.MaximumEventAgeInSeconds);
  tell("event configs", (await ofLife("ListFunctionEventInvokeConfigs")).FunctionEventInvokeConfigs.length);
  await ofLife("DeleteFunctionEventInvokeConfig");
  await refused("no event config", ofLife("GetFunctionEventInvokeConfig"));
  const url = await ofLife("CreateFunctionUrlConfig", { AuthType: "NONE" });
  const changed = await ofLife("UpdateFunctionUrlConfig", { AuthType: "AWS_IAM", InvokeMode: "RESPONSE_STREAM" });
  tell("url", url.AuthType, changed.AuthType, (await ofLife("GetFunctionUrlConfig")).InvokeMode);
  await ofLife("DeleteFunctionUrlConfig");
  tell("urls", (await ofLife("ListFunctionUrlConfigs")).FunctionUrlConfigs.length);
}

async function mappings() {
  const EventSourceArn = `arn:aws:sqs:${await client.config.region()}:000000000000:orders`;
  const { UUID, BatchSize, State } = await ofLife("CreateEventSourceMapping", { EventSourceArn, BatchSize: 5 });
  const states = [State, await awaitMapping(UUID, "Enabled")];
  states.push((await send("UpdateEventSourceMapping", { UUID, Enabled: false })).State);
  states.push(await awaitMapping(UUID, "Disabled"));
  states.push((await send("DeleteEventSourceMapping", { UUID })).State);
  tell("mapping", BatchSize, ...states);
}

async function awaitMapping(UUID, state) {
  for (;;) {
    const now = (await send("GetEventSourceMapping", { UUID })).State;
    if (now === state) return now;
    if (!["Creating", "Enabling", "Disabling", "Updating"].includes(now)) throw new Error(now);
  }
}

async function tags() {
  const Resource = (await ofLife("GetFunction")).Configuration.FunctionArn;
  await send("TagResource", { Resource, Tags: { team: "tea", stage: "test" } });
  const { Tags } = await send("ListTags", { Resource });
  tell("tags", JSON.stringify({ stage: Tags.stage, team: Tags.team }));
  await send("UntagResource", { Resource, TagKeys: ["stage"] });
  tell("tags", JSON.stringify((await send("ListTags", { Resource })).Tags));
}

async function streams() {
  await configure({ Handler: "app.stream" });
  const out = await ofLife("InvokeWithResponseStream", { Payload: "{}" });
  let text = "";
  const completed = [];
  for await (const event of out.EventStream) {
    if (event.PayloadChunk) text += Buffer.from(event.PayloadChunk.Payload).toString();
    else completed.push(event.InvokeComplete.ErrorCode ?? "completed");
  }
  tell("stream", out.StatusCode, text, ...completed);
}

async function end() {
  await ofLife("DeleteAlias", { Name: "next" });
  await ofLife("DeleteAlias", { Name: "live" });
  await ofLife("DeleteFunction", { Qualifier: "1" });
  tell("versions", ...(await ofLife("ListVersionsByFunction")).Versions.map((version) => version.Version));
  await ofLife("DeleteFunction");
  await refused("deleted", ofLife("GetFunction"));
}

async function main() {
  for (const part of [create, invocations, updates, versions, layers, policies, concurrency, settings, mappings, tags, streams, end]) {
    await part();
  }
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
