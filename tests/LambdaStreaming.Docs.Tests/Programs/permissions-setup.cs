using System.Collections.Concurrent;   // only for one role per tenant
using Amazon.Runtime;                  // this and the next: only for roles
using Amazon.Runtime.Credentials;
using LambdaStreaming;

using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
