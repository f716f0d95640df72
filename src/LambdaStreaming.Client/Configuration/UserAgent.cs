using System.Reflection;
using System.Text;

namespace LambdaStreaming.Configuration;

/// <summary>What this client calls itself. It leads with its own name and does not claim to be an AWS SDK.</summary>
internal static class UserAgent
{
    public static string Product { get; } = $"lambda-streaming-dotnet/{Version}";

    private static string Version =>
        typeof(UserAgent).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    private static string OperatingSystemName => OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "macos" : OperatingSystem.IsLinux() ? "linux" : "other";

    /// <summary>The header's value, with what environment and profile add to it.</summary>
    /// <remarks>Source of the words: what AWSSDK.Core 4.0.102 sends; AWS SDKs and Tools Reference Guide, "Application ID".</remarks>
    public static string Create(string? appId, string? executionEnvironment)
    {
        var value = new StringBuilder($"{Product} os/{OperatingSystemName} lang/dotnet#{Environment.Version}");
        if (!string.IsNullOrEmpty(executionEnvironment)) value.Append(" exec-env/").Append(Sanitised(executionEnvironment));
        if (!string.IsNullOrEmpty(appId)) value.Append(" app/").Append(Sanitised(appId));
        return value.ToString();
    }

    // Source: RFC 9110, section 5.6.2: the characters of a token. All others become '-'.
    private static string Sanitised(string value) =>
        string.Create(value.Length, value, static (characters, source) =>
        {
            for (var i = 0; i < characters.Length; i++)
                characters[i] = char.IsAsciiLetterOrDigit(source[i]) || "!#$%&'*+-.^_`|~".Contains(source[i], StringComparison.Ordinal) ? source[i] : '-';
        });
}
