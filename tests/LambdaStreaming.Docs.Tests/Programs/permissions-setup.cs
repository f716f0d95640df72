using LambdaStreaming;

using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
