exports.handler = async (event, context) => {
  console.log("handles", event);
  if (event.fail) {
    throw new Error("no such thing");
  }
  return { id: context.awsRequestId };
};
