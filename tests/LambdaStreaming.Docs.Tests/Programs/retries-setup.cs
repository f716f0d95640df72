using LambdaStreaming;
using Polly;
using Polly.Retry;

using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
var order = """{"amount":100}"""u8.ToArray();
using var receipt = new MemoryStream();
var path = "export.bin";
var delay = TimeSpan.FromSeconds(2);
var notPaid = (Exception exception) => Console.WriteLine($"not paid: {exception.Message}");
var unknown = (Exception exception) => Console.WriteLine($"unknown: {exception.Message}");
