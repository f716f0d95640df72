// Reads responses with the AWS SDK for JavaScript and prints one JSON line: speed.mjs SECONDS FUNCTION. Reads for 5
// seconds before that.
import { InvokeWithResponseStreamCommand, LambdaClient } from '@aws-sdk/client-lambda';

const client = new LambdaClient({});
const Payload = new TextEncoder().encode('{}');

// Reads complete responses until the time has elapsed. Returns events, seconds and seconds of processor time.
async function readFor(seconds, FunctionName) {
  const started = performance.now();
  const cpuStarted = process.cpuUsage();
  let events = 0;
  while (performance.now() - started < seconds * 1000) {
    const response = await client.send(new InvokeWithResponseStreamCommand({ FunctionName, Payload }));
    for await (const event of response.EventStream) if (event.PayloadChunk?.Payload.length) events++;
  }
  const cpu = process.cpuUsage(cpuStarted);
  return { events, seconds: (performance.now() - started) / 1000, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
}

const [seconds, name] = process.argv.slice(2);
await readFor(5, name);
console.log(JSON.stringify(await readFor(Number(seconds), name)));
