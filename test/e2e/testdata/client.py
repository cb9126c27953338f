"""Drives hearth with boto3: client.py EXISTING-FUNCTION ROLE RUNTIME ARCHIVE."""
import json
import os
import pathlib
import sys

import boto3
from botocore.exceptions import ClientError

existing, role, runtime, archive = sys.argv[1:]
client = boto3.client("lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
name = existing[:50] + "-boto3"
made = client.create_function(
    FunctionName=name, Runtime=runtime, Role=role, Handler="app.handler", Code={"ZipFile": pathlib.Path(archive).read_bytes()}
)
print("created", made["State"])
client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
out = client.invoke(FunctionName=name, Payload=b'{"by":2}')
print("invoked", out["StatusCode"], out["ExecutedVersion"], out["Payload"].read().decode())
out = client.invoke(FunctionName=name, Payload=b'{"by":0}')
print("failed", out["FunctionError"], json.load(out["Payload"])["errorType"])
client.update_function_configuration(FunctionName=name, Timeout=30)
client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
print("updated", client.get_function(FunctionName=name)["Configuration"]["Timeout"])
print("dry run", client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"])
listed = [f["FunctionName"] for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]]
assert {name, existing} <= set(listed), listed
client.delete_function(FunctionName=name)
print("deleted")
try:
    client.get_function(FunctionName=name)
except ClientError as e:
    print(e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"])
