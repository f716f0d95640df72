using Aspire.Hosting;
using LambdaStreaming.Aspire.Hosting.Tests;

// The types that the SDK of Aspire generates for the projects of an AppHost.
namespace Projects;

internal sealed class Chat : IProjectMetadata
{
    public string ProjectPath => Path.Combine(DotNetFunctions.Source, "Chat", "Chat.csproj");
}

internal sealed class Web : IProjectMetadata
{
    public string ProjectPath => Path.Combine(DotNetFunctions.Source, "Chat", "Chat.csproj");
}
