import os

import boto3
from botocore.config import Config


def handler(event, context):
    s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    return {"link": link, "key": os.environ["AWS_ACCESS_KEY_ID"], "from": boto3.__file__}
