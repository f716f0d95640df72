using System.Reflection;
using System.Text;

namespace LambdaStreaming.Configuration;

/// <summary>The <c>User-Agent</c> header of this client, which does not claim to be an AWS SDK.</summary>
internal static class UserAgent
{
    public static string Product { get; } = $"lambda-streaming-dotnet/{Version}";

    private static string Version =>
        typeof(UserAgent).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    /// <summary>Creates the value, including the parts from environment and profile.</summary>
    /// <remarks>
    /// Source of the names: requests of AWSSDK.Core 4.0.102; AWS SDKs and Tools Reference Guide, "Application ID".
    /// </remarks>
    public static string Create(string? appId, string? executionEnvironment)
    {
        var system = GetSystemName(OperatingSystem.IsOSPlatform);
        var value = new StringBuilder($"{Product} os/{system} lang/dotnet#{Environment.Version}");
        if (!string.IsNullOrEmpty(executionEnvironment))
            value.Append(" exec-env/").Append(ToToken(executionEnvironment));
        if (!string.IsNullOrEmpty(appId)) value.Append(" app/").Append(ToToken(appId));
        return value.ToString();
    }

    /// <summary>Gets the name of the operating system that AWS SDKs use.</summary>
    /// <param name="isPlatform">Returns whether the system has a name.</param>
    internal static string GetSystemName(Func<string, bool> isPlatform)
    {
        string[] names = ["windows", "macos", "linux"];
        return names.FirstOrDefault(isPlatform) ?? "other";
    }

    // Replaces characters that are not allowed in a token with '-'.
    private static string ToToken(string value) =>
        string.Create(value.Length, value, static (characters, source) =>
        {
            for (var i = 0; i < characters.Length; i++) characters[i] = IsTokenCharacter(source[i]) ? source[i] : '-';
        });

    // Source: RFC 9110, section 5.6.2.
    private static bool IsTokenCharacter(char character) =>
        char.IsAsciiLetterOrDigit(character) || "!#$%&'*+-.^_`|~".Contains(character, StringComparison.Ordinal);
}
