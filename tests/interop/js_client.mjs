// Calls the functions of InteropTests with the JavaScript SDK and prints one JSON line with the result of each.
// The argument is the operation: stream or invoke.
import { InvokeCommand, InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';

const client = new LambdaClient({ maxAttempts: 3 });

const Payload = new TextEncoder().encode('{"a":1}');

async function stream(FunctionName) {
  let text = '';
  let complete;
  try {
    const response = await client.send(new InvokeWithResponseStreamCommand({
      FunctionName, Payload, LogType: 'Tail', ClientContext: 'e30=',
    }));
    for await (const event of response.EventStream) {
      if (event.PayloadChunk) text += new TextDecoder().decode(event.PayloadChunk.Payload);
      else if (event.InvokeComplete) complete = event.InvokeComplete;
    }
    return {
      text,
      version: response.ExecutedVersion,
      complete: complete !== undefined,
      errorCode: complete?.ErrorCode ?? null,
      errorDetails: complete?.ErrorDetails ?? null,
    };
  } catch (error) {
    return describe(error);
  }
}

async function invoke(FunctionName, InvocationType = 'RequestResponse') {
  try {
    const response = await client.send(new InvokeCommand({
      FunctionName, InvocationType, Payload, LogType: 'Tail', ClientContext: 'e30=',
    }));
    return {
      status: response.StatusCode,
      text: new TextDecoder().decode(response.Payload ?? undefined),
      version: response.ExecutedVersion ?? null,
      functionError: response.FunctionError ?? null,
      log: response.LogResult ? Buffer.from(response.LogResult, 'base64').toString() : null,
    };
  } catch (error) {
    return describe(error);
  }
}

function describe(error) {
  return { error: error.name, status: error.$metadata?.httpStatusCode };
}

const arn = 'arn:aws:lambda:us-east-1:123456789012:function:good:live';
const names = ['good', arn, 'fails', 'throttled', 'documented', 'recovers'];
const calls = process.argv[2] === 'stream'
  ? names.map((name) => () => stream(name))
  : [...names.map((name) => () => invoke(name)), () => invoke('good', 'Event'), () => invoke('good', 'DryRun')];
for (const call of calls) console.log(JSON.stringify(await call()));
