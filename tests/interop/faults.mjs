// What a user of the JavaScript SDK sees of each kind of broken answer: one JSON line a function. compare runs it.
import { InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';

const client = new LambdaClient({ maxAttempts: 1 });
const decoder = new TextDecoder();

for (const name of process.argv.slice(2)) {
  let chunks = 0;
  let complete = null;
  let error = null;
  // A patient user waits for ever; this one gives up.
  const patience = AbortSignal.timeout(10_000);
  try {
    const answer = await client.send(new InvokeWithResponseStreamCommand({ FunctionName: name, Payload: new TextEncoder().encode('{}') }), { abortSignal: patience });
    for await (const event of answer.EventStream) {
      if (event.PayloadChunk) chunks++;
      complete = event.InvokeComplete ?? complete;
    }
  } catch (exception) {
    error = patience.aborted ? 'still waiting after 10 s' : `${exception.name}: ${exception.message}`;
  }
  console.log(JSON.stringify({ name, chunks, complete, error }));
}
