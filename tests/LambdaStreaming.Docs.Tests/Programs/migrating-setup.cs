using Amazon;
using LambdaStreaming;

var payload = """{"prompt":"Tell me a story"}"""u8.ToArray();
var cancellationToken = CancellationToken.None;
var output = Console.OpenStandardOutput();

void Report(string? log) => Console.Error.WriteLine(log);
