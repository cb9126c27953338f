// A function that runs what the event says, in its own environment.
import { randomUUID } from "node:crypto";

const id = randomUUID();
const AsyncFunction = (async () => {}).constructor;

export const handler = async (event, context) =>
  new AsyncFunction("event", "context", "id", event.body ?? "return id")(event, context, id);
