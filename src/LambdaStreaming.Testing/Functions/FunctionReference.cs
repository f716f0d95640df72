using System.Text.RegularExpressions;

namespace LambdaStreaming.Testing.Functions;

/// <summary>A function name, partial ARN or ARN, with or without a qualifier.</summary>
internal readonly partial record struct FunctionReference(string Name, string? Qualifier)
{
    /// <summary>The pattern of a function name in the service's error messages.</summary>
    /// <remarks>
    /// Source: responses of the live service to Invoke, recorded by localstack/localstack on 25 November 2025
    /// (tests/aws/services/lambda_/test_lambda_api.snapshot.json).
    /// </remarks>
    public const string Pattern =
        @"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?"
        + @"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";

    // The same pattern, but a region must precede an account id. Otherwise, "my-fn-1:live" would begin with a region.
    private const string UnambiguousPattern =
        @"^(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]:(?=[0-9]{12}:))?"
        + @"([0-9]{12}:)?(function:)?(?<name>[a-zA-Z0-9-_\.]+)"
        + @"(:(?<qualifier>\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?\z";

    /// <summary>Parses a name.</summary>
    /// <returns><see langword="null"/> if the service rejects the name.</returns>
    public static FunctionReference? Parse(string text)
    {
        var match = Names().Match(text);
        if (!match.Success) return null;
        var qualifier = match.Groups["qualifier"];
        return new(match.Groups["name"].Value, qualifier.Success ? qualifier.Value : null);
    }

    [GeneratedRegex(UnambiguousPattern, RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Names();
}
