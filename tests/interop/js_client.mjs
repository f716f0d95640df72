// Invokes the functions that InteropTests serves, with the JavaScript SDK, and prints one JSON line for each: what a Node.js user sees.
import { InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';

const client = new LambdaClient({ maxAttempts: 3 });

async function invoke(FunctionName) {
  let text = '';
  let complete;
  try {
    const answer = await client.send(new InvokeWithResponseStreamCommand({
      FunctionName, Payload: new TextEncoder().encode('{"a":1}'), LogType: 'Tail', ClientContext: 'e30=',
    }));
    for await (const event of answer.EventStream) {
      if (event.PayloadChunk) text += new TextDecoder().decode(event.PayloadChunk.Payload);
      else if (event.InvokeComplete) complete = event.InvokeComplete;
    }
    return {
      text, version: answer.ExecutedVersion, complete: complete !== undefined, errorCode: complete?.ErrorCode ?? null, errorDetails: complete?.ErrorDetails ?? null,
    };
  } catch (error) {
    return { error: error.name, status: error.$metadata?.httpStatusCode };
  }
}

for (const name of ['good', 'arn:aws:lambda:us-east-1:123456789012:function:good:live', 'fails', 'throttled', 'documented', 'recovers'])
  console.log(JSON.stringify({ name, ...await invoke(name) }));
