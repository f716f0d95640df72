using LambdaStreaming.Testing.Functions;

namespace LambdaStreaming.Testing.Http;

/// <summary>The operation, function and qualifier that a request line names.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="NameText">The function's name, partial ARN or ARN, which might be invalid.</param>
/// <param name="Function">The parsed name, or <see langword="null"/> if it is invalid.</param>
/// <param name="QueryQualifier">The query parameter <c>Qualifier</c>.</param>
internal sealed record RequestTarget(
    LambdaOperation Operation, string NameText, FunctionReference? Function, string? QueryQualifier)
{
    // Source: AWS Lambda API reference, Invoke and InvokeWithResponseStream, Request Syntax.
    private static readonly (LambdaOperation Operation, string PathStart, string PathEnd)[] Routes =
    [
        (LambdaOperation.InvokeWithResponseStream, "/2021-11-15/functions/", "/response-streaming-invocations"),
        (LambdaOperation.Invoke, "/2015-03-31/functions/", "/invocations"),
    ];

    public static IEnumerable<string> KnownPaths =>
        Routes.Select(route => $"{route.PathStart}{{FunctionName}}{route.PathEnd}");

    /// <summary>Parses a request line.</summary>
    /// <param name="method">The HTTP method.</param>
    /// <param name="target">Path and query as in the request line.</param>
    /// <returns><see langword="null"/> if the server does not implement the operation.</returns>
    public static RequestTarget? Parse(string method, string target)
    {
        (var path, var query) = Split(target);
        foreach ((var operation, var start, var end) in Routes)
        {
            if (method != "POST"
                || !path.StartsWith(start, StringComparison.Ordinal)
                || !path.EndsWith(end, StringComparison.Ordinal)
                || path.Length <= start.Length + end.Length)
            {
                continue;
            }

            var segment = path[start.Length..^end.Length];
            if (segment.Contains('/', StringComparison.Ordinal)) continue;
            var name = Uri.UnescapeDataString(segment);
            var qualifier = query is null ? null : FindQueryValue(query, "Qualifier");
            return new RequestTarget(operation, name, FunctionReference.Parse(name), qualifier);
        }

        return null;
    }

    public static (string Path, string? Query) Split(string target)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        if (query < 0) return (target, null);
        return (target[..query], target[(query + 1)..]);
    }

    private static string? FindQueryValue(string query, string name)
    {
        foreach (var pair in query.Split('&'))
        {
            if (pair.StartsWith(name + "=", StringComparison.Ordinal))
                return Uri.UnescapeDataString(pair[(name.Length + 1)..]);
        }

        return null;
    }
}
