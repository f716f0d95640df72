using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Testing.Tests;

/// <summary>The hosts that a function calls without a proxy.</summary>
public class NoProxyTests
{
    private const string Upper = "NO_PROXY";
    private const string Lower = "no_proxy";

    [Theory]
    [InlineData(null, null, "127.0.0.1", "127.0.0.1")]
    [InlineData("corp.example", null, "corp.example,127.0.0.1", "corp.example,127.0.0.1")]
    [InlineData(null, "corp.example", "corp.example,127.0.0.1", "corp.example,127.0.0.1")]
    [InlineData("a.example", "b.example", "a.example,127.0.0.1", "b.example,127.0.0.1")]
    [InlineData("corp.example", "", "corp.example,127.0.0.1", "127.0.0.1")]
    [InlineData("*", null, "*", "*")]
    [InlineData(null, " * ", " * ", " * ")]
    public void Environment_InheritedNoProxy_BothVariablesHaveItsHosts(
        string? upper, string? lower, string expectedUpper, string expectedLower)
    {
        var environment = CreateEnvironment(upper, lower);

        RuntimeStartInfo.AddNoProxy(environment, new RuntimeProcessOptions("program"));

        Assert.Equal((expectedUpper, expectedLower), (environment[Upper], environment[Lower]));
    }

    // .NET sends requests to the proxy if * is the only host.
    [Fact]
    public void Environment_NoProxyOfADotNetFunctionIsAll_HasTheHostOfTheRuntimeApi()
    {
        var environment = CreateEnvironment("*", null);
        var program = RuntimeProcessOptions.DotNet(typeof(NoProxyTests).Assembly.Location);

        RuntimeStartInfo.AddNoProxy(environment, program);

        Assert.Equal(("*,127.0.0.1", "*,127.0.0.1"), (environment[Upper], environment[Lower]));
    }

    [Fact]
    public void Environment_FunctionHasOneNoProxy_StaysUnchangedAndTheOtherHasItsHosts()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Both names are one variable.");
        var variables = new Dictionary<string, string?> { [Upper] = "corp.example" };
        var environment = CreateEnvironment("corp.example", null);

        RuntimeStartInfo.AddNoProxy(environment, new RuntimeProcessOptions("program") { Environment = variables });

        Assert.Equal(("corp.example", "corp.example,127.0.0.1"), (environment[Upper], environment[Lower]));
    }

    [Fact]
    public void Environment_FunctionRemovesNoProxy_StaysRemoved()
    {
        var variables = new Dictionary<string, string?> { [Upper] = null, [Lower] = null };
        var environment = CreateEnvironment(null, null);

        RuntimeStartInfo.AddNoProxy(environment, new RuntimeProcessOptions("program") { Environment = variables });

        Assert.Empty(environment);
    }

    private static Dictionary<string, string?> CreateEnvironment(string? upper, string? lower)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal);
        if (upper is not null) environment[Upper] = upper;
        if (lower is not null) environment[Lower] = lower;
        return environment;
    }
}
