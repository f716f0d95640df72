using Amazon.Runtime;

namespace LambdaStreaming.Tests;

/// <summary>Credentials that are given by a function of the number of the read, from 1.</summary>
internal sealed class StubbedCredentials(Func<int, Task<ImmutableCredentials>> get) : AWSCredentials
{
    private int _reads;

    public StubbedCredentials(Func<int, ImmutableCredentials> get)
        : this(read => Task.FromResult(get(read)))
    {
    }

    /// <summary>How often they were read.</summary>
    public int Reads => Volatile.Read(ref _reads);

    public static StubbedCredentials Failing(Exception exception) => new(Task<ImmutableCredentials> (_) => throw exception);

    public override ImmutableCredentials GetCredentials() => throw new NotSupportedException();

    public override Task<ImmutableCredentials> GetCredentialsAsync() => get(Interlocked.Increment(ref _reads));
}
