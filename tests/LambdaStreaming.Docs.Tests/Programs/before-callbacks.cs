using Amazon.Lambda;
using Amazon.Lambda.Model;

using var client = new AmazonLambdaClient();
var request = new InvokeWithResponseStreamRequest { FunctionName = "my-function" };
var response = await client.InvokeWithResponseStreamAsync(request);

var ended = new TaskCompletionSource();
var stream = response.EventStream;
stream.PayloadChunkReceived += (_, args) => args.EventStreamEvent.Payload.CopyTo(Console.OpenStandardOutput());
stream.InvokeCompleteReceived += (_, args) => ended.TrySetResult();
stream.ExceptionReceived += (_, args) => ended.TrySetException(args.EventStreamException);
stream.StartProcessing();
await ended.Task;
