const { existsSync } = require("node:fs");
const { GetObjectCommand, S3Client } = require("@aws-sdk/client-s3");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");

exports.handler = async () => ({
  link: await getSignedUrl(new S3Client(), new GetObjectCommand({ Bucket: "b", Key: "k" })),
  key: process.env.AWS_ACCESS_KEY_ID,
  from: process.env.NODE_PATH.split(":").find((dir) => existsSync(dir + "/@aws-sdk/client-s3")),
});
