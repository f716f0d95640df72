// Streaming handlers for the official Node.js runtime interface client, which defines the global `awslambda`.
import { existsSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';

const { streamifyResponse, HttpResponseStream } = awslambda;

// Waits until a test creates the file that the event names, if it names one.
const waitForGate = async ({ gate }) => {
  while (gate && !existsSync(gate)) await new Promise(resolve => setTimeout(resolve, 10));
};

export const text = streamifyResponse(async (event, stream, context) => {
  console.log('called with', JSON.stringify(event));
  await waitForGate(event);   // until the line has arrived
  stream.write('hello ');
  stream.write(`${event.name ?? 'nobody'}, `);
  stream.write(JSON.stringify({
    id: context.awsRequestId,
    client: context.clientContext?.custom,
    tenant: context.tenantId,
    arn: context.invokedFunctionArn,
  }));
  stream.end();
});

export const contentType = streamifyResponse(async (event, stream) => {
  stream.setContentType('text/event-stream');
  await pipeline(Readable.from(['data: 1\n\n', 'data: 2\n\n']), stream);
});

export const http = streamifyResponse(async (event, stream) => {
  const metadata = { statusCode: 201, headers: { 'content-type': 'text/plain' }, cookies: ['a=1', 'b=2'] };
  const body = HttpResponseStream.from(stream, metadata);
  body.write('hello ');
  body.end('wörld');
});

export const nothing = streamifyResponse(async (event, stream) => { stream.end(); });

export const failBefore = streamifyResponse(async () => { throw new RangeError('boom before'); });

export const failMid = streamifyResponse(async (event, stream) => {
  stream.write('one ');
  stream.write('two ');
  throw new RangeError('boom mid-stream');
});

export const exitMid = streamifyResponse(async (event, stream) => {
  await new Promise(resolve => stream.write('one ', resolve));
  await waitForGate(event);   // until the chunk has arrived
  process.exit(3);
});

export const exitBefore = streamifyResponse(async () => { process.exit(3); });

export const never = streamifyResponse(async (event, stream) => {
  stream.write(`pid ${process.pid}`);
  await new Promise(resolve => setTimeout(resolve, 3_600_000));
});

export const continueLater = streamifyResponse(async (event, stream) => {
  stream.write(`pid ${process.pid}`);
  await waitForGate(event);
  console.log('continued');
});

// Responds with the process id and the number of calls that this process has handled.
let calls = 0;
export const who = streamifyResponse(async (event, stream) => {
  stream.write(`${process.pid} ${++calls}`);
  await new Promise(resolve => setTimeout(resolve, event.milliseconds ?? 0));
  stream.end();
});

export const buffered = async event => ({ got: event });

export const bufferedFail = async () => { throw new TypeError('no stream here'); };
