"""The life of a function, as boto3 tells it; see testdata/life.txt.

life.py DIRECTORY: first.zip, second.zip and layer.zip are there, RUNTIME is the
function's runtime.
"""
import base64
import json
import os
import pathlib
import sys

import boto3
from botocore.exceptions import ClientError

archives = pathlib.Path(sys.argv[1])
client = boto3.client("lambda")
life = {"FunctionName": "life"}
ROLE = "arn:aws:iam::000000000000:role/any"
QUEUE = f"arn:aws:sqs:{client.meta.region_name}:000000000000:orders"
UNMODELLED = ("ValidationException", "RequestEntityTooLargeException")


def archive(name):
    return (archives / name).read_bytes()


def tell(what, *told):
    print(f"{what}:", *(str(value).replace("\n", " ") for value in told))


def text(value):
    return json.dumps(value, separators=(",", ":"))


def refused(what, operation, **arguments):
    """The operation must fail, with the exception that the model has for it."""
    try:
        operation(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if type(error).__name__ != code and code not in UNMODELLED:
            raise
        tell(what, code, f"({error.response['ResponseMetadata']['HTTPStatusCode']})", error.response["Error"]["Message"])
        return error.response
    raise AssertionError(f"{what}: not refused")


def invoke(event, **arguments):
    return client.invoke(**life, Payload=json.dumps(event), **arguments)


def answer(event, **arguments):
    out = invoke(event, **arguments)
    return out["Payload"].read().decode()


def wait(waiter, **arguments):
    client.get_waiter(waiter).wait(**life, **arguments, WaiterConfig={"Delay": 1})


def configure(**settings):
    out = client.update_function_configuration(**life, **settings)
    wait("function_updated_v2")
    return out


def create():
    out = client.create_function(
        **life, Runtime=os.environ["RUNTIME"], Role=ROLE, Handler="app.handler", Code={"ZipFile": archive("first.zip")}
    )
    tell("created", out["State"], out["StateReasonCode"], out["Timeout"], out["MemorySize"], out["CodeSha256"])
    wait("function_active_v2")
    out = client.get_function(**life)["Configuration"]
    tell("active", out["State"], out["LastUpdateStatus"], out["Version"])
    refused("duplicate", client.create_function, **life, Role=ROLE, Code={"ZipFile": archive("first.zip")},
            Runtime=os.environ["RUNTIME"], Handler="app.handler")


def invocations():
    out = invoke({"do": "say", "word": "tea"}, LogType="Tail")
    tell("invoked", out["StatusCode"], out["ExecutedVersion"], out["Payload"].read().decode())
    log = base64.b64decode(out["LogResult"]).decode()
    tell("log", *(line for line in log.splitlines() if line.startswith("said")))
    out = invoke({"do": "fail"})
    failure = json.load(out["Payload"])
    tell("failed", out["StatusCode"], out["FunctionError"], failure["errorType"], failure["errorMessage"])
    tell("event", invoke({"do": "say", "word": "later"}, InvocationType="Event")["StatusCode"])
    tell("dry run", invoke({}, InvocationType="DryRun")["StatusCode"])
    refused("no JSON", client.invoke, **life, Payload=b"{")
    refused("too large", client.invoke, **life, Payload=b'"' + b"x" * (6 << 20) + b'"')


def updates():
    out = client.update_function_code(**life, ZipFile=archive("second.zip"))
    tell("updating", out["LastUpdateStatus"], out["LastUpdateStatusReasonCode"], out["CodeSha256"])
    wait("function_updated_v2")
    tell("updated", answer({"do": "say", "word": "tea"}))
    stale = client.get_function_configuration(**life)["RevisionId"]
    out = configure(Timeout=30, MemorySize=256, Environment={"Variables": {"COLOUR": "green"}})
    tell("configured", out["Timeout"], out["MemorySize"], text(out["Environment"]["Variables"]))
    tell("settings", answer({"do": "settings"}))
    refused("stale", client.update_function_configuration, **life, Timeout=31, RevisionId=stale)
    refused("too long", client.update_function_configuration, **life, Timeout=901)


def versions():
    told = [client.publish_version(**life)["Version"], client.publish_version(**life)["Version"]]
    configure(Description="second")
    told.append(client.publish_version(**life, Description="two")["Version"])
    wait("published_version_active", Qualifier="2")
    tell("published", *told)
    out = client.create_alias(**life, Name="live", FunctionVersion="1")
    tell("alias", out["Name"], out["FunctionVersion"], answer({"do": "settings"}, Qualifier="live"))
    out = client.update_alias(**life, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
    executed = invoke({"do": "settings"}, Qualifier="live")["ExecutedVersion"]
    tell("weights", *out["RoutingConfig"]["AdditionalVersionWeights"], executed)
    client.create_alias(**life, Name="next", FunctionVersion="$LATEST")
    pages = [page["Aliases"] for page in client.get_paginator("list_aliases").paginate(**life, PaginationConfig={"PageSize": 1})]
    tell("aliases", *(alias["Name"] for page in pages for alias in page))
    pages = [page["Versions"] for page in
             client.get_paginator("list_versions_by_function").paginate(**life, PaginationConfig={"PageSize": 1})]
    tell("versions", *(f"{version['Version']}/{len(page)}" for page in pages for version in page))


def layers():
    out = client.publish_layer_version(LayerName="words", Content={"ZipFile": archive("layer.zip")}, Description="a word")
    tell("layer", out["LayerVersionArn"].rpartition(":layer:")[2], out["Content"]["CodeSize"])
    configure(Layers=[out["LayerVersionArn"]])
    tell("in the layer", answer({"do": "layer"}))
    listed = client.list_layer_versions(LayerName="words")["LayerVersions"]
    tell("layers", *(f"{layer['Version']} {layer['Description']}" for layer in listed))
    client.delete_layer_version(LayerName="words", VersionNumber=1)
    tell("layers", len(client.list_layer_versions(LayerName="words")["LayerVersions"]))


def policies():
    out = client.add_permission(**life, StatementId="bucket", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    tell("permission", text(json.loads(out["Statement"])["Principal"]))
    policy = json.loads(client.get_policy(**life)["Policy"])
    tell("policy", *(f"{statement['Sid']} {statement['Effect']} {statement['Action']}" for statement in policy["Statement"]))
    client.remove_permission(**life, StatementId="bucket")
    refused("no policy", client.get_policy, **life)


def concurrency():
    tell("reserved", client.put_function_concurrency(**life, ReservedConcurrentExecutions=0)["ReservedConcurrentExecutions"])
    response = refused("throttled", client.invoke, **life)
    header = response["ResponseMetadata"]["HTTPHeaders"].get("retry-after")
    tell("throttle", response["Reason"], response.get("retryAfterSeconds"), header)
    client.delete_function_concurrency(**life)
    tell("reserved", client.get_function_concurrency(**life).get("ReservedConcurrentExecutions"))


def settings():
    config = client.put_function_event_invoke_config(**life, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60)
    tell("event config", config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"])
    tell("event configs", len(client.list_function_event_invoke_configs(**life)["FunctionEventInvokeConfigs"]))
    client.delete_function_event_invoke_config(**life)
    refused("no event config", client.get_function_event_invoke_config, **life)
    url = client.create_function_url_config(**life, AuthType="NONE")
    changed = client.update_function_url_config(**life, AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM")
    tell("url", url["AuthType"], changed["AuthType"], client.get_function_url_config(**life)["InvokeMode"])
    client.delete_function_url_config(**life)
    tell("urls", len(client.list_function_url_configs(**life)["FunctionUrlConfigs"]))


def mappings():
    mapping = client.create_event_source_mapping(**life, EventSourceArn=QUEUE, BatchSize=5)
    states = [mapping["State"], await_mapping(mapping["UUID"], "Enabled")]
    states.append(client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)["State"])
    states.append(await_mapping(mapping["UUID"], "Disabled"))
    states.append(client.delete_event_source_mapping(UUID=mapping["UUID"])["State"])
    tell("mapping", mapping["BatchSize"], *states)


def await_mapping(uuid, state):
    while (now := client.get_event_source_mapping(UUID=uuid)["State"]) != state:
        assert now in ("Creating", "Enabling", "Disabling", "Updating"), now
    return now


def tags():
    arn = client.get_function(**life)["Configuration"]["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"team": "tea", "stage": "test"})
    tell("tags", text(dict(sorted(client.list_tags(Resource=arn)["Tags"].items()))))
    client.untag_resource(Resource=arn, TagKeys=["stage"])
    tell("tags", text(client.list_tags(Resource=arn)["Tags"]))


def streams():
    configure(Handler="app.stream")
    out = client.invoke_with_response_stream(**life, Payload="{}")
    chunks, completed = [], []
    for event in out["EventStream"]:
        if "PayloadChunk" in event:
            chunks.append(event["PayloadChunk"]["Payload"].decode())
        else:
            completed.append(event["InvokeComplete"].get("ErrorCode", "completed"))
    tell("stream", out["StatusCode"], "".join(chunks), *completed)


def end():
    client.delete_alias(**life, Name="next")
    client.delete_alias(**life, Name="live")
    client.delete_function(**life, Qualifier="1")
    tell("versions", *(v["Version"] for v in client.list_versions_by_function(**life)["Versions"]))
    client.delete_function(**life)
    refused("deleted", client.get_function, **life)


for part in (create, invocations, updates, versions, layers, policies, concurrency, settings, mappings, tags, streams, end):
    part()
