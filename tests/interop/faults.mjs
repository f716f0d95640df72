// Prints the outcome of each kind of broken response in the JavaScript SDK, one JSON line per function. Run by compare.
import { InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';

const client = new LambdaClient({ maxAttempts: 1 });
const decoder = new TextDecoder();

for (const name of process.argv.slice(2)) {
  let chunks = 0;
  let complete = null;
  let error = null;
  // The SDK has no timeout for an idle response.
  const timeout = AbortSignal.timeout(10_000);
  try {
    const payload = new TextEncoder().encode('{}');
    const command = new InvokeWithResponseStreamCommand({ FunctionName: name, Payload: payload });
    const response = await client.send(command, { abortSignal: timeout });
    for await (const event of response.EventStream) {
      if (event.PayloadChunk) chunks++;
      complete = event.InvokeComplete ?? complete;
    }
  } catch (exception) {
    error = timeout.aborted ? 'still waiting after 10 s' : `${exception.name}: ${exception.message}`;
  }
  console.log(JSON.stringify({ name, chunks, complete, error }));
}
