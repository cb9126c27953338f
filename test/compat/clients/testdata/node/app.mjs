// The function of the tests of aws-lambda-ric; contract_test.go says what the
// events ask for.
let calls = 0;

class Refusal extends Error {
  name = 'Refusal';
}

const describe = (context) => ({
  requestId: context.awsRequestId,
  arn: context.invokedFunctionArn,
  name: context.functionName,
  version: context.functionVersion,
  memory: Number(context.memoryLimitInMB),
  logGroup: context.logGroupName,
  logStream: context.logStreamName,
  remaining: context.getRemainingTimeInMillis(),
  trace: process.env._X_AMZN_TRACE_ID,
  custom: context.clientContext?.custom,
});

const actions = {
  return: (event) => event.value,
  make: (event) => 'x'.repeat(event.size),
  count: () => calls,
  context: (event, context) => describe(context),
  log: () => {
    console.log('to standard output');
    console.error('to standard error');
    return null;
  },
  lines: () => { console.log('one\ntwo'); return null; },
  fail: (event) => { throw new Refusal('no such thing' + '!'.repeat(event.size ?? 0)); },
  sleep: (event) => new Promise((resolve) => setTimeout(resolve, event.size, event.value ?? null)),
  reject: () => { Promise.reject(new Refusal('nobody waits')); return new Promise(() => setTimeout(() => {}, 60000)); },
  exit: () => process.exit(3),
};

export const handler = async (event, context) => {
  calls++;
  return actions[event.do](event, context);
};
