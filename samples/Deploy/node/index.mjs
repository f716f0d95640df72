import { setTimeout } from 'node:timers/promises';

// `awslambda` is a global of Lambda's Node.js runtime.
export const handler = awslambda.streamifyResponse(async (event, responseStream) => {
  for (const word of `You wrote: ${event?.prompt ?? 'nothing'}`.split(' ')) {
    responseStream.write(`${word} `);
    await setTimeout(100);
  }

  if (event?.fail) throw new Error('The event asked for this failure.');
  responseStream.end();
});
