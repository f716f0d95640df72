// Invokes the functions of InteropTests with the JavaScript SDK and prints one JSON line with the result of each.
import { InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';

const client = new LambdaClient({ maxAttempts: 3 });

async function invoke(FunctionName) {
  let text = '';
  let complete;
  try {
    const response = await client.send(new InvokeWithResponseStreamCommand({
      FunctionName, Payload: new TextEncoder().encode('{"a":1}'), LogType: 'Tail', ClientContext: 'e30=',
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
    return { error: error.name, status: error.$metadata?.httpStatusCode };
  }
}

const arn = 'arn:aws:lambda:us-east-1:123456789012:function:good:live';
for (const name of ['good', arn, 'fails', 'throttled', 'documented', 'recovers']) {
  console.log(JSON.stringify({ name, ...await invoke(name) }));
}
