using Amazon.Runtime;

namespace LambdaStreaming.Tests;

/// <summary>Credentials from a function that receives the one-based number of the read.</summary>
internal sealed class StubbedCredentials(Func<int, Task<ImmutableCredentials>> get) : AWSCredentials
{
    private int _reads;

    public StubbedCredentials(Func<int, ImmutableCredentials> get)
        : this(read => Task.FromResult(get(read)))
    {
    }

    /// <summary>Number of reads.</summary>
    public int Reads => Volatile.Read(ref _reads);

    public static StubbedCredentials Failing(Exception exception) =>
        new(Task<ImmutableCredentials> (_) => throw exception);

    public override ImmutableCredentials GetCredentials() => throw new NotSupportedException();

    public override Task<ImmutableCredentials> GetCredentialsAsync() => get(Interlocked.Increment(ref _reads));
}
