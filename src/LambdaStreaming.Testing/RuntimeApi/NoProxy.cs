namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The variables with the hosts that a program calls without a proxy.</summary>
/// <remarks>LambdaStreaming.Tool uses this class, and LambdaStreaming.Aspire.Hosting compiles this file.</remarks>
internal static class NoProxy
{
    private const string Host = "127.0.0.1";

    private static readonly string[] Names = ["NO_PROXY", "no_proxy"];

    /// <summary>Adds 127.0.0.1 to the hosts of a variable.</summary>
    /// <param name="hosts">The value of the variable, or <see langword="null"/>.</param>
    /// <param name="isDotNet">Whether the program is known to use .NET.</param>
    public static string AddHost(string? hosts, bool isDotNet)
    {
        if (string.IsNullOrEmpty(hosts)) return Host;
        // Node.js, curl and Python use * only if it is the complete value. .NET does not know *.
        return hosts.Trim() == "*" && !isDotNet ? hosts : $"{hosts},{Host}";
    }

    /// <summary>Returns the variables of this process with 127.0.0.1, for a program that inherits them.</summary>
    /// <remarks>
    /// Programs use one variable, and the other one only if the first does not exist. Therefore, a second variable is
    /// not added: it could replace hosts that the program has.
    /// </remarks>
    public static IEnumerable<(string Name, string Hosts)> GetInherited(bool isDotNet)
    {
        string[] names = [.. Names.Where(name => Environment.GetEnvironmentVariable(name) is not null)];
        // On Windows, both are the same variable.
        return (names is [] || OperatingSystem.IsWindows() ? Names[..1] : names)
            .Select(name => (name, AddHost(Environment.GetEnvironmentVariable(name), isDotNet)));
    }
}
