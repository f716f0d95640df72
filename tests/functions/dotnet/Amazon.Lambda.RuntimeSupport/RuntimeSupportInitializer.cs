using System.Reflection;

namespace Amazon.Lambda.RuntimeSupport;

/// <summary>Replaces the class of this name in AWS's package, with the members that a host uses.</summary>
/// <remarks>Handlers return <c>IAsyncEnumerable&lt;string&gt;</c>.</remarks>
public sealed class RuntimeSupportInitializer(string handler)
{
    public Task RunLambdaBootstrap()
    {
        var parts = handler.Split("::");
        var type = Assembly.Load(parts[0]).GetType(parts[1], throwOnError: true)!;
        var method = type.GetMethod(parts[2]) ?? throw new MissingMethodException(parts[1], parts[2]);
        return RuntimeClient.RunAsync(
            method.CreateDelegate<Func<string, IAsyncEnumerable<string>>>(Activator.CreateInstance(type)));
    }
}
