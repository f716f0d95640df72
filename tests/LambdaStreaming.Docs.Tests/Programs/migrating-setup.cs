using System.Buffers;
using Amazon;
using LambdaStreaming;

var payload = """{"prompt":"Tell me a story"}"""u8.ToArray();
var cancellationToken = CancellationToken.None;

void Show(ReadOnlySequence<byte> payload) => Console.Write($"[{payload.Length} bytes]");
void Report(string? log) => Console.Error.WriteLine(log);
