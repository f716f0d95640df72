using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Testing.Tests;

/// <summary>The environment of runtime processes.</summary>
public class RuntimeStartInfoTests
{
    // Amazon.Lambda.RuntimeSupport limits the heap of .NET to the memory size, unless this variable is true.
    [Theory]
    [InlineData(null, "true")]
    [InlineData("false", "false")]
    public void Create_MemoryLimitCheck_IsDisabledUnlessInherited(string? inherited, string expected)
    {
        const string Name = "AWS_LAMBDA_DOTNET_DISABLE_MEMORY_LIMIT_CHECK";
        var present = Environment.GetEnvironmentVariable(Name);
        Environment.SetEnvironmentVariable(Name, inherited);
        try
        {
            var info = RuntimeStartInfo.Create(
                new RuntimeProcessOptions("program"), new LocalLambdaServerOptions(), "f", "127.0.0.1:1");

            Assert.Equal(expected, info.Environment[Name]);
        }
        finally
        {
            Environment.SetEnvironmentVariable(Name, present);
        }
    }
}
