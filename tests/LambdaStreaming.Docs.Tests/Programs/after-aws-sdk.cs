using Amazon;
using LambdaStreaming;

using var client = new LambdaStreamingClient(RegionEndpoint.EUCentral1);

var request = InvokeWithResponseStreamRequest.FromJson("my-function", """{"prompt":"Tell me a story"}""") with
{
    LogType = LogType.Tail,
};
await using var response = await client.InvokeWithResponseStreamAsync(request);
await response.CopyToAsync(Console.OpenStandardOutput());
Console.Error.WriteLine(response.InvokeComplete?.DecodeLogResult());
