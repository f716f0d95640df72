using Amazon;
using LambdaStreaming.Configuration;
using LambdaStreaming.Invocation;

namespace LambdaStreaming.Tests.Invocation;

public class SendGuardTests
{
    [Fact]
    public void MarkContentRead_AfterClose_ThrowsAndStateStaysNotSent()
    {
        var guard = CreateGuard();
        guard.Close();

        Assert.Throws<OperationCanceledException>(guard.MarkContentRead);

        Assert.Equal(SendState.NotSent, guard.State);
    }

    [Fact]
    public void Close_ContentWasRequested_StateStaysSentAndNoSecondReadIsPossible()
    {
        var guard = CreateGuard();
        guard.MarkContentRead();
        guard.MarkContentRead();

        guard.Close();

        Assert.Equal(SendState.Sent, guard.State);
        Assert.Throws<OperationCanceledException>(guard.MarkContentRead);
    }

    [Fact]
    public void CreateInvocationId_Always_IsUniqueAndHasTheFormatOfAUuid()
    {
        var ids = Enumerable.Range(0, 1000).Select(_ => SendGuard.CreateInvocationId()).ToList();

        Assert.Equal(ids.Count, ids.Distinct(StringComparer.Ordinal).Count());
        // The last two groups are the number, in hexadecimal.
        Assert.All(ids, id => Assert.True(Guid.TryParseExact(id, "D", out _)));
        Assert.All(ids, id => Assert.StartsWith("0000-0000", id[19..], StringComparison.Ordinal));
    }

    private static SendGuard CreateGuard()
    {
        var settings = new ResolvedConfiguration(
            new Uri("https://lambda.us-east-1.amazonaws.com"),
            false,
            RegionEndpoint.USEast1,
            "default",
            null,
            null,
            UserAgent.Create(null, null));
        var invocation = new InvocationContext(new("f"), settings, null, null, CancellationToken.None);
        return invocation.BeginAttempt(handlersCanBypassGuard: false).Guard;
    }
}
