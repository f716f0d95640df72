using System.Globalization;
using System.Text;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;
using LambdaStreaming.Errors;
using LambdaStreaming.Signing;
using LambdaStreaming.Testing;
using LambdaStreaming.Testing.Tests;

namespace LambdaStreaming.Tests.Signing;

[Trait("Repeats", "ForMinutes")]
public class SigningOnTheWireTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("my-function:$LATEST", "my-function%3A%24LATEST")]
    [InlineData("a/b", "a%2Fb")]
    [InlineData("a b+c%20d", "a%20b%2Bc%2520d")]
    [InlineData("a?b#c", "a%3Fb%23c")]
    [InlineData("!*'()~-._@&=,;", "%21%2A%27%28%29~-._%40%26%3D%2C%3B")]
    [InlineData("función-ñ", "funci%C3%B3n-%C3%B1")]
    [InlineData("a\\b|c\"<>^`{}", "a%5Cb%7Cc%22%3C%3E%5E%60%7B%7D")]
    public async Task InvokeWithResponseStreamAsync_UnusualName_IsSentAsItWasSigned(string name, string encoded)
    {
        await using var service = new RawService();
        using var client = new LambdaStreamingClient(service.Options());

        var request = DryRun(name) with { Qualifier = name, TenantId = "a  b" };
        await using var response = await client.InvokeWithResponseStreamAsync(request, Ct);

        var headers = service.SingleRequestHeaders;
        var target = $"/2021-11-15/functions/{encoded}/response-streaming-invocations?Qualifier={encoded}";
        Assert.Equal($"POST {target} HTTP/1.1", headers.Split("\r\n")[0]);
        Assert.Equal(service.Url.Authority, RawService.Header(headers, "Host"));
        Assert.Equal(SignAgain(service.Url, target, headers), RawService.Header(headers, "Authorization"));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_EndpointHasAPathPrefix_SendsAndSignsIt()
    {
        await using var service = new RawService();
        var options = service.Options();
        options.ServiceUrl = new Uri(service.Url, "/base/v1/");
        using var client = new LambdaStreamingClient(options);

        await using var response = await client.InvokeWithResponseStreamAsync(DryRun("f"), Ct);

        const string Target = "/base/v1/2021-11-15/functions/f/response-streaming-invocations";
        Assert.StartsWith($"POST {Target} HTTP/1.1\r\n", service.SingleRequestHeaders, StringComparison.Ordinal);
        var authorization = RawService.Header(service.SingleRequestHeaders, "Authorization");
        Assert.Equal(SignAgain(service.Url, Target, service.SingleRequestHeaders), authorization);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_RandomRequests_ServerAcceptsTheSignatures()
    {
        var count = Nightly.CountOf(10_000);
        var seed = Random.Shared.Next();
        var credentials = new SessionAWSCredentials(
            "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/token+with=marks");
        await using var server = await LocalLambdaServer.StartAsync(options => options.Credentials = credentials, Ct);
        using var client = CreateClient(server, credentials);

        await Parallel.ForAsync(0, count, Ct, async (i, cancellationToken) =>
        {
            var request = RandomRequest(new Random(HashCode.Combine(seed, i)));
            try
            {
                await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
                Assert.Fail($"The server has no functions, but {request} succeeded. Seed {seed}, request {i}.");
            }
            catch (LambdaServiceException exception)
            {
                // The server verifies the signature before it validates the name and looks for the function, so these
                // errors mean that the signature is valid.
                if (exception.ErrorCode
                    is "ValidationException" or "ResourceNotFoundException" or "InvalidParameterValueException")
                {
                    return;
                }

                Assert.Fail(
                    $"{exception.ErrorCode} for {request}, tenant '{request.TenantId}'. Seed {seed}, request {i}. "
                    + exception.Message);
            }
        });

        Assert.Equal(count, server.Requests.Count);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_WrongKey_ServerRejectsTheSignature()
    {
        await using var server = await LocalLambdaServer.StartAsync(_ => { }, Ct);
        var keys = await server.Credentials.GetCredentialsAsync();
        using var client = CreateClient(server, new BasicAWSCredentials(keys.AccessKey, keys.SecretKey + "x"));

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(new("f"), Ct));

        Assert.Equal("InvalidSignatureException", exception.ErrorCode);
    }

    private static LambdaStreamingClient CreateClient(LocalLambdaServer server, AWSCredentials credentials) =>
        new(new LambdaStreamingClientOptions
        {
            Region = server.Region,
            Credentials = credentials,
            ServiceUrl = server.ServiceUrl,
        });

    private static InvokeWithResponseStreamRequest DryRun(string name) =>
        new(name) { InvocationType = InvocationType.DryRun };

    // Signs the bytes on the wire, which can differ from the values of the request.
    private static string SignAgain(Uri url, string target, string headers)
    {
        var request = new AWSSigningRequest
        {
            HttpMethod = HttpMethod.Post,
            RequestUri = new Uri(url.GetLeftPart(UriPartial.Authority) + target),
            ContentStream = new MemoryStream(),
        };
        foreach (var header in headers.Split("\r\n").Skip(1).Select(line => line.Split(": ", 2)))
        {
            if (header[0].StartsWith("X-Amz-", StringComparison.OrdinalIgnoreCase)
                && !header[0].Equals("X-Amz-Date", StringComparison.OrdinalIgnoreCase))
                request.Headers[header[0]] = header[1];
        }

        var signedAt = DateTimeOffset.ParseExact(
            RawService.Header(headers, "X-Amz-Date")!,
            "yyyyMMdd'T'HHmmss'Z'",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal);
        var keys = StubbedClient.Options().Credentials!.GetCredentials();
        return RequestSigner.Sign(request, keys, RegionEndpoint.USEast1, signedAt)["Authorization"];
    }

    private static InvokeWithResponseStreamRequest RandomRequest(Random random)
    {
        // At most one colon: the server rejects other names before it verifies anything else.
        var name = ("f" + RandomText(random, 40, ascii: false)).Split(':', 3) is [var first, var second, ..]
            ? $"{first}:{second}"
            : "f-" + RandomText(random, 40, ascii: false).Replace(':', '-');
        var request = new InvokeWithResponseStreamRequest(name) { Payload = RandomPayload(random) };
        if (random.Next(2) == 0) request = request with { Qualifier = RandomText(random, 20, ascii: false) };
        if (random.Next(3) == 0) request = request with { TenantId = RandomText(random, 30, ascii: true) };
        if (random.Next(3) == 0)
            request = request with { ClientContext = Convert.ToBase64String(RandomPayload(random)) };
        if (random.Next(3) == 0) request = request with { LogType = (LogType)random.Next(2) };
        if (random.Next(3) == 0)
            request = request with { InvocationType = (InvocationType)random.Next(2) };
        return request;
    }

    private static byte[] RandomPayload(Random random)
    {
        var payload = new byte[random.Next(5) == 0 ? 0 : random.Next(300)];
        random.NextBytes(payload);
        return payload;
    }

    private static string RandomText(Random random, int maxLength, bool ascii)
    {
        var text = new StringBuilder();
        for (var remaining = random.Next(maxLength + 1); remaining > 0; remaining--)
        {
            text.Append(random.Next(ascii ? 3 : 4) switch
            {
                0 => "abcXYZ019-_."[random.Next(12)].ToString(),
                1 => ":$/%+ =&?#~*'()!@,;"[random.Next(19)].ToString(),
                2 => ((char)random.Next(' ', 0x7f)).ToString(),
                _ => RandomShownRune(random).ToString(),
            });
        }

        return text.ToString();
    }

    // Names with hidden characters are rejected before they are signed.
    private static Rune RandomShownRune(Random random)
    {
        while (true)
        {
            var rune = new Rune(random.Next(2) == 0 ? random.Next(0xa0, 0xd800) : random.Next(0xe000, 0x10ffff));
            if (PrintableText.IsPrintable(rune)) return rune;
        }
    }
}
