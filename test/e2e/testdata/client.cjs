// Drives hearth with the AWS SDK for JavaScript: client.cjs EXISTING-FUNCTION ROLE RUNTIME ARCHIVE.
const { readFileSync } = require("node:fs");
const {
  CreateFunctionCommand, DeleteFunctionCommand, GetFunctionCommand, InvokeCommand, LambdaClient,
  UpdateFunctionConfigurationCommand, paginateListFunctions, waitUntilFunctionActiveV2, waitUntilFunctionUpdatedV2,
} = require("@aws-sdk/client-lambda");

const [existing, role, runtime, archive] = process.argv.slice(2);
const FunctionName = existing.slice(0, 50) + "-js";
const client = new LambdaClient();
const code = readFileSync(archive);

async function main() {
  const wait = { client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 };
  const send = (Command, input = {}) => client.send(new Command({ FunctionName, ...input }));
  const created = await send(CreateFunctionCommand, { Runtime: runtime, Role: role, Handler: "app.handler", Code: { ZipFile: code } });
  console.log("created", created.State);
  await waitUntilFunctionActiveV2(wait, { FunctionName });
  let out = await send(InvokeCommand, { Payload: '{"by":2}' });
  console.log("invoked", out.StatusCode, out.ExecutedVersion, out.Payload.transformToString());
  out = await send(InvokeCommand, { Payload: '{"by":0}' });
  console.log("failed", out.FunctionError, JSON.parse(out.Payload.transformToString()).errorType);
  await send(UpdateFunctionConfigurationCommand, { Timeout: 30 });
  await waitUntilFunctionUpdatedV2(wait, { FunctionName });
  console.log("updated", (await send(GetFunctionCommand)).Configuration.Timeout);
  console.log("dry run", (await send(InvokeCommand, { InvocationType: "DryRun" })).StatusCode);
  const listed = [];
  for await (const page of paginateListFunctions({ client }, {})) listed.push(...page.Functions.map((f) => f.FunctionName));
  if (!listed.includes(FunctionName) || !listed.includes(existing)) throw new Error("not listed: " + listed);
  await send(DeleteFunctionCommand);
  console.log("deleted");
  await send(GetFunctionCommand).catch((e) => console.log(e.name, e.$metadata.httpStatusCode));
}

main().catch((e) => { console.error(e); process.exitCode = 1; });
