import { randomUUID } from "node:crypto";

// Set once per execution environment: the same over warm invocations.
const environment = randomUUID();

export const handler = async (event, context) => {
  const name = event.name ?? "world";
  console.log(`greeting ${name}`);
  return {
    message: `${process.env.GREETING}, ${name}, from Node.js ${process.versions.node}`,
    requestId: context.awsRequestId,
    environment,
    millisecondsLeft: context.getRemainingTimeInMillis(),
  };
};
