// Declarations of Amazon.Lambda.RuntimeSupport 2.1 and Amazon.Lambda.Core 3.3 that the page about local functions uses:
// names only, no behaviour.
// Source: aws/aws-lambda-dotnet, Libraries/src.
#nullable enable
namespace Amazon.Lambda.Core.ResponseStreaming
{
    public abstract class LambdaResponseStream : Stream
    {
    }

    public class LambdaResponseStreamFactory
    {
        public static LambdaResponseStream CreateStream() => throw new NotSupportedException();
    }
}

namespace Amazon.Lambda.RuntimeSupport
{
    public sealed class LambdaBootstrapBuilder
    {
        public static LambdaBootstrapBuilder Create(Func<Stream, Task> handler) => new();

        public LambdaBootstrap Build() => new();
    }

    public sealed class LambdaBootstrap
    {
        public Task RunAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
    }
}
