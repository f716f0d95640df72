using System.Net;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>HTTP errors: every named error, and statuses without an error name.</summary>
internal static class ServiceErrorScenarios
{
    public static MessageArea Area { get; } = new("Service errors", [.. Named(), .. Unnamed(), .. Others()]);

    private static IEnumerable<MessageScenario> Named() => typeof(LambdaServiceException).Assembly.GetExportedTypes()
        .Where(type => type.BaseType == typeof(LambdaServiceException))
        .Select(type => (LambdaServiceException)Activator.CreateInstance(type, "m", null, null)!)
        .OrderBy(exception => exception.ErrorCode, StringComparer.Ordinal)
        .Select(known => new MessageScenario(known.ErrorCode, () => Provocations.FailAsync(
            (int)known.StatusCode,
            """{"Message":"Words of the service"}""",
            ("x-amzn-ErrorType", known.ErrorCode))));

    private static IEnumerable<MessageScenario> Unnamed() => new[] { 304, 404, 408, 418, 429, 502 }.Select(status =>
        new MessageScenario($"HTTP {status} without a name", () => Provocations.FailAsync(status, "")));

    private static IEnumerable<MessageScenario> Others() =>
    [
        new("Redirect", () => Provocations.FailAsync(
            307, "", ("Location", "https://user:secret@elsewhere.example.com/page?token=secret#x"))),
        new("Page of a gateway", () => Provocations.FailAsync(503, "<html>", ("Content-Type", "text/html"))),
        new("Page of a gateway with the name of an error", () => Provocations.FailAsync(
            400, "<html>", ("Content-Type", "text/html"), ("x-amzn-ErrorType", "ServiceException"))),
        new("Unknown error", () => Provocations.FailAsync(
            418, """{"message":"Words of the service!"}""", ("x-amzn-ErrorType", "FutureException"))),
        new("Unknown error with status 400, which might quote the payload", () => Provocations.FailAsync(
            400, """{"message":"Unexpected token near '4111'"}""", ("x-amzn-ErrorType", "FutureException"))),
        new("Message of several lines", () => Provocations.FailAsync(
            403,
            """{"message":"It does not match.\n\nThe canonical string"}""",
            ("x-amzn-ErrorType", "InvalidSignatureException"))),
        new("Error without a message", () => Provocations.FailAsync(
            404, "{}", ("x-amzn-ErrorType", "ResourceNotFoundException"))),
        new("Error of a dry run", DryRunAsync),
        new("Error after an attempt that might have run", RetriedAsync),
        new("Unexpected status of an invocation", () => Provocations.FailAsync(202, "")),
        new("Unexpected status of a dry run", () => Provocations.ReadAsync(
            StubbedClient.Create(_ => Provocations.Response(200, "")),
            Provocations.Request with { InvocationType = InvocationType.DryRun })),
    ];

    private static Task DryRunAsync() => Provocations.ReadAsync(
        StubbedClient.Create(_ => Provocations.Response(500, "{}", ("x-amzn-ErrorType", "ServiceException"))),
        Provocations.Request with { InvocationType = InvocationType.DryRun, Retry = Provocations.NoRetry });

    private static Task RetriedAsync()
    {
        var sends = 0;
        return Provocations.ReadAsync(
            StubbedClient.Create(_ => ++sends == 1
                ? StubbedClient.CreateResponse(Stream.Null, HttpStatusCode.ServiceUnavailable)
                : Provocations.Response(404, "{}", ("x-amzn-ErrorType", "ResourceNotFoundException"))),
            Provocations.Request with
            {
                Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.AtLeastOnce, BaseDelay = TimeSpan.Zero },
            });
    }
}
