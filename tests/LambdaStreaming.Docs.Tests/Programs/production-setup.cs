using LambdaStreaming;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

var loggerFactory = NullLoggerFactory.Instance;     // your app's
var logger = loggerFactory.CreateLogger("app");
using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
var totalTimeout = TimeSpan.FromMinutes(5);
var request = InvokeWithResponseStreamRequest.FromJson("chat", """{"prompt":"Hello"}""");
