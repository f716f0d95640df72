using Amazon;
using Amazon.Lambda;
using Amazon.Lambda.Model;

using var client = new AmazonLambdaClient(RegionEndpoint.EUCentral1);

var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest
{
    FunctionName = "my-function",
    LogType = LogType.Tail,
    Payload = new MemoryStream("""{"prompt":"Tell me a story"}"""u8.ToArray()),
});
using InvokeWithResponseStreamResponseEvent stream = response.EventStream;
await foreach (var streamEvent in stream)
{
    if (streamEvent is InvokeResponseStreamUpdate update)
    {
        await update.Payload.CopyToAsync(Console.OpenStandardOutput());
    }
    else if (streamEvent is InvokeWithResponseStreamCompleteEvent complete)
    {
        if (complete.ErrorCode is not null) throw new InvalidOperationException(complete.ErrorDetails);
    }
}
