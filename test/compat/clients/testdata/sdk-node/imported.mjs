import { existsSync } from "node:fs";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

export const handler = async () => ({
  link: await getSignedUrl(new S3Client(), new GetObjectCommand({ Bucket: "b", Key: "k" })),
  key: process.env.AWS_ACCESS_KEY_ID,
  from: process.env.NODE_PATH.split(":").find((dir) => existsSync(dir + "/@aws-sdk/client-s3")),
});
