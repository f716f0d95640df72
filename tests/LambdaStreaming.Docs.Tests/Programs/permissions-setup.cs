using Amazon.Runtime;                 // only for the role
using Amazon.Runtime.Credentials;     // the same
using LambdaStreaming;

using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
