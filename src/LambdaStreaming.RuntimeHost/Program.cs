using System.Reflection;

namespace LambdaStreaming.RuntimeHost;

/// <summary>Runs the handler of a class library with that library's Amazon.Lambda.RuntimeSupport.</summary>
/// <remarks>
/// The package does not have an entry point. This program is started with the dependencies and the runtime
/// configuration of the library, so the library's own version of the package is loaded.
/// </remarks>
internal static class Program
{
    private const string Package = "Amazon.Lambda.RuntimeSupport";

    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is not [var handler])
        {
            return await FailAsync("The handler is missing: Assembly::Namespace.Type::Method.").ConfigureAwait(false);
        }

        const string Initializer = $"{Package}.RuntimeSupportInitializer";
        const string Run = "RunLambdaBootstrap";
        var type = Assembly.Load(Package).GetType(Initializer, throwOnError: true)!;
        if (type.GetMethod(Run, Type.EmptyTypes) is not { } run || !typeof(Task).IsAssignableFrom(run.ReturnType))
        {
            return await FailAsync($"This version of {Package} does not have the method {Initializer}.{Run}.")
                .ConfigureAwait(false);
        }

        await ((Task)run.Invoke(Activator.CreateInstance(type, handler), null)!).ConfigureAwait(false);
        return 0;
    }

    private static async Task<int> FailAsync(string message)
    {
        await Console.Error.WriteLineAsync(message).ConfigureAwait(false);
        return 1;
    }
}
