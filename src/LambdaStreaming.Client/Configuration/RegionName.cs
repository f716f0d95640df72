namespace LambdaStreaming.Configuration;

/// <summary>The rule for region names.</summary>
/// <remarks>LambdaStreaming.Extensions.DependencyInjection compiles this file, too.</remarks>
internal static class RegionName
{
    /// <summary>Returns whether a name has the form of a region name, such as <c>us-east-1</c>.</summary>
    /// <remarks>
    /// AWSSDK.Core accepts any host label, so a typo would fail only at the first call, in DNS. Regions that this
    /// version of AWSSDK.Core does not know must be accepted. A host label has at most 63 characters (RFC 1035, section
    /// 2.3.4).
    /// </remarks>
    public static bool IsValid(string name) =>
        name.Length <= 63
        && name.Split('-') is [_, _, .., var number] parts
        && parts[..^1].All(part => part.Length > 0 && part.All(char.IsAsciiLetter))
        && number.Length > 0
        && number.All(char.IsAsciiDigit);
}
